//go:build !linux

package driver

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// share: elsewhere one peer on a host has a port for itself.
func share(uintptr, bool, int) error { return nil }

func bindToDevice(syscall.Conn, string) error { return errors.ErrUnsupported }

// bindAddress: not every system binds a socket to a group. What comes for another
// group of the same port has another topic, and is dropped for that.
func bindAddress(_ string, group netip.AddrPort) string { return fmt.Sprintf(":%d", group.Port()) }
