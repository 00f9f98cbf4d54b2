// Package donet is the mesh for a patch without multicast. To be written.
package donet
