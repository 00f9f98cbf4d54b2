package mirror

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
)

// MaxKey bounds a key, in bytes. A longer name is replaced by its hash.
const MaxKey = 512

// key names an entry. A guid need be unique only within its document ("there are
// no rules for the syntax of a guid", RSS 2.0), and two documents may be mirrored
// into one feed: one that is no URI is therefore taken together with scope, which
// names the document.
func key(guid, link, scope string, content ...string) string {
	guid, link = strings.TrimSpace(guid), strings.TrimSpace(link)
	switch {
	case guid != "" && isURI(guid):
		return boundedKey("id:" + guid)
	case guid != "":
		return boundedKey("id:" + guid + " " + scope)
	case link != "":
		return boundedKey("link:" + link)
	}
	h := sha256.New()
	for _, part := range content {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return "hash:" + hex.EncodeToString(h.Sum(nil))
}

func boundedKey(k string) string {
	if len(k) <= MaxKey {
		return k
	}
	sum := sha256.Sum256([]byte(k))
	return "long:" + hex.EncodeToString(sum[:])
}

// isURI reports whether s is an absolute URI, such as https://…, tag:… or urn:….
func isURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "")
}

// scope names a document by its home page, which stays when the document moves,
// or else by where it was found.
func scope(home, found string) string {
	for _, s := range []string{home, found} {
		if u, err := url.Parse(strings.TrimSpace(s)); err == nil && u.Host != "" {
			return strings.ToLower(u.Host) + strings.TrimSuffix(u.EscapedPath(), "/")
		}
	}
	return ""
}
