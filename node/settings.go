package node

import "github.com/quilt-p2p/quilt/internal/store"

// settingsPrefix keeps a program's settings apart from the node's own.
const settingsPrefix = "program/"

// SetSetting keeps a value of the program that embeds the node, over restarts; nil
// removes it.
func (n *Node) SetSetting(bucket, key string, value []byte) error {
	return n.store.SetMeta(settingsPrefix+bucket, key, value)
}

// Settings returns the values kept in a bucket, by key.
func (n *Node) Settings(bucket string) ([]store.MetaEntry, error) {
	return n.store.MetaEntries(settingsPrefix + bucket)
}
