// Package pieces keeps the pieces of large contents (package large) on disk, one file
// each:
//
//	DIR/<topic:32 hex>/<root:64 hex>        in full
//	DIR/<topic:32 hex>/<root:64 hex>.part   not yet
//	DIR/import-*                            being read from its publisher
//
// A file has the content first and its index pieces behind it, so that it is as long
// as what it is to hold from the beginning; what is not yet there are holes. Nothing is
// written about which pieces are there: after a restart, whatever ended the run before,
// a part is read through and each piece judged by its hash ([Vault.Open]). A piece is
// checked against its hash too whenever it is read. A file in full was synced before it
// got its name.
//
// Directories have mode 0700, files 0600. All together take no more than the quota,
// what is only begun counted in full.
package pieces
