package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A simulation of many peers touches memory all over a heap of gigabytes, and with
// pages of 4 KiB most of what it does is to look up where they are. Go leaves it to the
// kernel to use large ones, and most kernels wait to be asked (our measurement, 3,000
// peers: a sixth less processor time).

const (
	// hugeRegion is the size from which on a piece of the heap is worth asking for.
	hugeRegion = 4 << 20
	hugePage   = 2 << 20
	// hugeEvery is how often the heap is looked at: it grows by 64 MiB at once.
	hugeEvery = 50 * time.Millisecond
	// heapBits is how many bits of an address differ within a heap.
	heapBits = 40
)

// useHugePages asks the kernel for large pages for the heap, again and again as it
// grows, until done is closed. Where there are none nothing changes.
func useHugePages(done <-chan struct{}) {
	asked := make(map[uintptr]uintptr)
	tick := time.NewTicker(hugeEvery)
	defer tick.Stop()
	for {
		adviseHeap(asked)
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}

// nearHeap has an address that lies in the heap.
var nearHeap = new([hugeRegion]byte)

// adviseHeap asks for large pages for what of the heap has not been asked for: asked
// has the end of each piece by its beginning.
func adviseHeap(asked map[uintptr]uintptr) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	for s := bufio.NewScanner(maps); s.Scan(); {
		start, end, ok := heapPiece(s.Text(), uintptr(unsafe.Pointer(nearHeap)))
		if ok && asked[start] != end {
			askLarge(start, max(start, asked[start]), end)
			asked[start] = end
		}
	}
}

// askLarge asks for large pages for a piece of the heap, and has what is new in it, in
// use already, put together. A refusal is no reason to stop: it is advice.
func askLarge(start, fresh, end uintptr) {
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, start, end-start, unix.MADV_HUGEPAGE)
	fresh = (fresh + hugePage - 1) &^ (hugePage - 1)
	if end &^= hugePage - 1; fresh < end {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, fresh, end-fresh, unix.MADV_COLLAPSE)
	}
}

// heapPiece reads a line of /proc/self/maps: a large piece of Go's heap, which grows
// upwards from where it began, a terabyte at most from near.
func heapPiece(line string, near uintptr) (start, end uintptr, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 5 || fields[1] != "rw-p" || fields[4] != "0" {
		return 0, 0, false
	}
	from, to, found := strings.Cut(fields[0], "-")
	a, err1 := strconv.ParseUint(from, 16, 64)
	b, err2 := strconv.ParseUint(to, 16, 64)
	if !found || err1 != nil || err2 != nil || a>>heapBits != uint64(near)>>heapBits || b < a+hugeRegion {
		return 0, 0, false
	}
	return uintptr(a), uintptr(b), true
}
