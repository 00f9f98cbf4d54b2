// Package e2e tests real quilt-peer processes on this machine's loopback
// interface and in the networks of package lab: what no test within one process
// can, above all SIGKILL. It contains tests only. The full size runs with
// QUILT_LONG=1; otherwise the same story is told with fewer peers and entries.
package e2e
