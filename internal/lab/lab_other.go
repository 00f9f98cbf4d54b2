//go:build !linux

package lab

import (
	"errors"
	"runtime"
)

var errNotHere = errors.New("lab: it is made of Linux network namespaces, and this is " + runtime.GOOS)

// Lab is a network that was built. There is none on this system.
type Lab struct{}

// Options say how to build. They have no effect on this system.
type Options struct{}

// Missing says why no lab can be built here.
func Missing() error { return errNotHere }

// Open fails.
func Open(Network, Options) (*Lab, error) { return nil, errNotHere }

// Close does nothing.
func (*Lab) Close() error { return nil }
