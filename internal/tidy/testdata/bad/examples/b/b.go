// Package b imports downwards, as it may.
package b

import _ "github.com/quilt-p2p/quilt/node"
