// Package large says how something larger than an item travels: as a manifest, which
// is an ordinary item, and pieces, which are not. It is pure: values, encodings and
// hashes.
//
// # Segments, index pieces, root
//
// The content is cut into segments of one size, a power of two ([SegmentFor]); only
// the last may be shorter. Each is named by its SHA-256. Where these hashes are no
// more than [MaxTop], the manifest lists them. Where they are more, they are written
// one after the other and cut in turn into index pieces of the segments' size; and so
// on until no more than MaxTop hashes are left:
//
//	manifest ── top hashes
//	              ├── index piece ── hashes
//	              │                    ├── segment
//	              │                    └── segment …
//	              └── index piece …
//
// Segments and index pieces are the pieces of the content, numbered from the top
// level down, each level from its beginning ([Layout]). Whoever has a manifest can
// check a piece of the top level at once, and any other as soon as it has the index
// piece above it ([Tree]): so nothing unverified is ever stored or passed on.
//
// The root, a hash over size, segment size and top hashes ([Manifest.Root]), names the
// content whatever it is called and whoever publishes it.
//
// # The manifest
//
// It is signed by being an item: in an owned feed the payload of an entry of type
// [feed.Large], in an open topic the whole payload, known by its first bytes
// ([Of]). Its encoding never changes; testdata has golden vectors.
//
//	magic:12 version:1 log2(segment):1 size:uvarint n:uvarint name:n hash:32…
//
// Fetching the pieces is package swarm's business (internal/swarm), keeping them
// package pieces' (internal/pieces).
package large
