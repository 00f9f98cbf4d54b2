// Package core imports a lower package that is not pure.
package core

import (
	_ "github.com/quilt-p2p/quilt/internal/store" // want `pure package internal/core imports internal/store, which is not pure`
	_ "github.com/quilt-p2p/quilt/unlisted"       // want `unlisted, which is not in the table`
)
