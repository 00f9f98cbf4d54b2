package large

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleanName makes a name what Parse takes.
func cleanName(name string) string {
	name = strings.ToValidUTF8(name, "_")
	for len(name) > MaxName {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	return name
}

// maxSafe bounds a safe name in bytes: room for a number beside it.
const maxSafe = 200

// SafeName makes a name under which content can be a file in a directory of the
// reader's choice, whatever the author called it: no separators of any system, nothing
// hidden, no control characters, no name that a system reserves. The ending is kept
// where the name is cut.
func SafeName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`/\:*?"<>|`, r):
			return '_'
		case !unicode.IsPrint(r) || r == utf8.RuneError || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, name)
	name = strings.TrimRight(strings.TrimLeft(name, " ."), " .")
	if len(name) > maxSafe {
		ending := ""
		if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 16 {
			ending = name[i:]
		}
		name = strings.ToValidUTF8(name[:maxSafe-len(ending)], "") + ending
	}
	if name == "" {
		return "unnamed"
	}
	if stem, _, _ := strings.Cut(name, "."); reserved(strings.TrimRight(stem, " ")) {
		return "_" + name
	}
	return name
}

// reserved reports whether Windows keeps a name for a device.
func reserved(stem string) bool {
	switch s := strings.ToUpper(stem); {
	case s == "CON", s == "PRN", s == "AUX", s == "NUL":
		return true
	case len(s) == 4 && (s[:3] == "COM" || s[:3] == "LPT") && s[3] >= '0' && s[3] <= '9':
		return true
	}
	return false
}
