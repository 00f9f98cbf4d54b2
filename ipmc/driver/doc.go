// Package driver has the sockets of package ipmc: one to send with for each interface
// and family, and one to hear with for each group that an interface has joined. Packets
// are written and read many at a call. Several peers on one host share ports.
//
// It sends and hears on the interfaces that its [Config] allows and on no other: its
// sockets are bound to them where the system permits, and else what came by another
// interface is dropped. A time to live of 1, the default, keeps packets on the segment
// whatever routers think of the group's address.
//
// What is no datagram of a topic that was added ([Driver.AddTopic]), or has a false
// tag, is counted and goes no further: the former costs a comparison, the latter one
// hash.
//
// Read driver.go, then hear.go and send.go.
package driver
