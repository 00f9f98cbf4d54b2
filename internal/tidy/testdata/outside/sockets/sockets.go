// Package sockets stands for a package of another module.
package sockets
