// Package protocol imports what stands above it.
package protocol

import _ "github.com/quilt-p2p/quilt/feed" // want `import of feed runs upwards: feed \(level 1\), from protocol \(level 0\)`
