package report

import (
	"math"
	"strconv"
	"strings"
)

// Format writes a figure with its unit as a person reads it: three digits, more
// where a share is nearly whole.
func (f Field) Format(v float64) string {
	if f.Key == "delivery_ratio" && v < 1 {
		return nearlyOne(v)
	}
	return Format(v, f.Unit)
}

// nearlyOne writes a share so that only 1 looks like 1.
func nearlyOne(v float64) string {
	for digits := 3; digits < 9; digits++ {
		scale := math.Pow10(digits)
		if down := math.Floor(v*scale) / scale; down < 1 {
			if s := strconv.FormatFloat(down, 'f', digits, 64); digits == 8 || !strings.HasSuffix(s, "99") {
				return s
			}
		}
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// Format writes a number and its unit; of the units it knows it chooses a larger one
// where the number is large: ms, s, B, B/s, MB. Kilo is 1000.
func Format(v float64, unit string) string {
	switch unit {
	case "B", "B/s":
		return scaled(v, unit)
	case "MB":
		return scaled(v*1e6, "B")
	case "ms":
		if math.Abs(v) >= 10_000 {
			return digits(v/1000) + " s"
		}
	case "":
		return digits(v)
	}
	return digits(v) + " " + unit
}

// scaled writes a number of bytes.
func scaled(v float64, unit string) string {
	for _, prefix := range []string{"", "k", "M", "G"} {
		if math.Abs(v) < 999.5 || prefix == "G" {
			return digits(v) + " " + prefix + unit
		}
		v /= 1000
	}
	return "" // not reached
}

// digits writes a number with three digits, whole ones of up to six in full.
func digits(v float64) string {
	abs := math.Abs(v)
	switch {
	case abs >= 999_999.5:
		return digits(v/1e6) + " million"
	case v == math.Trunc(v) || abs >= 100:
		return thousands(int64(math.Round(v)))
	case abs >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case abs >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// thousands writes a number with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
