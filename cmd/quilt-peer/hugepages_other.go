//go:build !linux

package main

// useHugePages does nothing: it is known how to ask for large pages on Linux only.
func useHugePages(<-chan struct{}) {}
