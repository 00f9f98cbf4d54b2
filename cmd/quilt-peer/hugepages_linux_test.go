package main

import "testing"

func TestHeapPiece(t *testing.T) {
	const near = 0x308209912340
	for _, c := range []struct {
		line       string
		start, end uintptr
	}{
		{"308209800000-30820a400000 rw-p 00000000 00:00 0 ", 0x308209800000, 0x30820a400000},
		{"308209800000-30820a400000 rw-p 00000000 00:00 0  [anon: Go: heap]", 0x308209800000, 0x30820a400000},
		{"308209800000-308209900000 rw-p 00000000 00:00 0 ", 0, 0},    // small
		{"30820a400000-308209800000 rw-p 00000000 00:00 0 ", 0, 0},    // nonsense
		{"308209800000-30820a400000 ---p 00000000 00:00 0 ", 0, 0},    // only reserved
		{"7f170c000000-7f171c021000 rw-p 00000000 00:00 0 ", 0, 0},    // elsewhere
		{"308209800000-30820a400000 rw-p 00000000 08:01 77 /x", 0, 0}, // a file
		{"zzz", 0, 0},
		{"", 0, 0},
	} {
		start, end, ok := heapPiece(c.line, near)
		if start != c.start || end != c.end || ok != (c.end != 0) {
			t.Errorf("%q is %x to %x, %v", c.line, start, end, ok)
		}
	}
}
