// Package a imports another example.
package a

import _ "github.com/quilt-p2p/quilt/examples/b" // want `import of examples/b runs sideways`
