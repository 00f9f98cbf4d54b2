// Package node imports a package of its own level.
package node

import _ "github.com/quilt-p2p/quilt/sim" // want `import of sim runs upwards: sim \(level 6\), from node \(level 6\)`
