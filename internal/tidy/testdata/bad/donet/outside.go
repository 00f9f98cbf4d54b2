// Package donet imports what another module has.
package donet

import (
	_ "example.com/outside/sockets" // want `pure package imports example.com/outside/sockets`
)
