//go:build !linux

package driver

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// tune: elsewhere one peer on a host has a port for itself.
func tune(uintptr, bool, int) error { return nil }

func bindToDevice(syscall.Conn, string) error { return errors.ErrUnsupported }

// bindAddress: not every system binds a socket to a group. What comes for another
// group of the same port has another topic, and is dropped for that.
func bindAddress(_ string, group netip.AddrPort) string { return fmt.Sprintf(":%d", group.Port()) }

// dropped: elsewhere nobody says.
func (e *ear) dropped() uint64 { return 0 }
