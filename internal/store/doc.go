// Package store keeps items on disk: one bbolt file (go.etcd.io/bbolt) that a
// running peer holds locked. What Put has acknowledged survives a crash.
//
// # Layout, format 1
//
// Numbers are big endian. A topic's bucket is named by its 16-byte TopicID.
//
//	meta/                    what this peer must remember besides items
//	  <bucket>/<key>         opaque values of Meta and SetMeta
//	sys/
//	  "format"               8 bytes: 1
//	  "total"                items:8 bytes:8, the sums over all topics, with evidence;
//	                         an item counts its own bytes and ItemOverhead
//	ids/
//	  <item ID:32>           topic:16 arrival:8; arrival 0 for evidence
//	topics/<topic:16>/
//	  "name"                 the topic's name
//	  "stat"                 items:8 bytes:8 last arrival:8 last receipt:8 evidence:8
//	  log/<arrival:8>        kind:1 receipt:8 item; receipt in unix ms, kind 1
//	  seq/<n:1 author:n seq:8 ID:32>    arrival:8
//	  marks/<SHA-256 of mark:32>        ID:32
//	  forks/<ID:32>          the item, evidence of a fork
//	  large/<ID:32>          empty: the item is a manifest (package large); no such bucket
//	                         where there is none
//
// Each topic's log is written at its end only, so that bbolt appends, and read
// back in order of arrival; arrivals count from 1 and are never used twice. In an
// owned feed the second item with one sequence number is evidence of a fork: kept
// aside, at most MaxEvidence a feed, and never in the log. In an open topic it is
// an item like any other.
//
// # Writing
//
// One goroutine commits whatever is queued, in batches, as fast as the disk takes
// them: the first item does not wait for company, and what comes during its fsync
// shares the next. The queue is bounded.
//
// # Reading
//
// Readers never see a transaction: ranges are read in chunks and handed out
// between them, so a slow reader does not hold the file's mapping. An item is
// checked against its ID whenever it is read from disk.
//
// Reading order: store.go, layout.go, put.go, writer.go, read.go, prune.go.
package store
