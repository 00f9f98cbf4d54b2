package gossip

import _ "github.com/quilt-p2p/quilt/gossipmembership" // want `import of gossipmembership runs upwards`
