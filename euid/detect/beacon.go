package detect

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/quilt-p2p/quilt/protocol"
)

// Bounds of beacons (our guesses).
const (
	// maxEchoes is how many others one beacon answers; they take turns.
	maxEchoes = 16
	// maxEvery is the longest pause that a beacon may announce.
	maxEvery = time.Hour
	// maxBeacon is how many bytes a beacon has at most.
	maxBeacon = len(beaconMagic) + 8 + 8 + 2 + 1 + 8 + 1 + maxEchoes*16
)

// beaconMagic begins every beacon: what does not is somebody else's, and costs this
// comparison.
const beaconMagic = "QLTb\x01"

// segmentName is what the members of a multicast segment call it. Shared says that at
// least two have it: then newcomers take it over, whatever their own is.
type segmentName struct {
	shared bool
	id     uint64
}

// better reports whether a is to replace b where both are heard of.
func (a segmentName) better(b segmentName) bool {
	if a.shared != b.shared {
		return a.shared
	}
	return a.id < b.id
}

func (a segmentName) String() string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, a.id))
}

// echo says "I heard you": the nonce of somebody's beacon.
type echo struct{ who, nonce uint64 }

// beacon is one datagram:
//
//	magic:5 me:8 nonce:8 every:2 flags:1 segment:8 echoes:1 (who:8 nonce:8)…
//
// me is drawn at each start and says nothing about the peer. every is the pause until
// the next in seconds. Nothing is signed: that somebody has heard a nonce is proof
// enough that he hears, and more is not claimed.
type beacon struct {
	me, nonce uint64
	every     time.Duration
	segment   segmentName
	echoes    []echo
}

func (b *beacon) appendTo(to []byte) []byte {
	to = append(to, beaconMagic...)
	to = binary.BigEndian.AppendUint64(to, b.me)
	to = binary.BigEndian.AppendUint64(to, b.nonce)
	to = binary.BigEndian.AppendUint16(to, uint16(b.every/time.Second))
	flags := byte(0)
	if b.segment.shared {
		flags = 1
	}
	to = append(to, flags)
	to = binary.BigEndian.AppendUint64(to, b.segment.id)
	to = append(to, byte(len(b.echoes)))
	for _, e := range b.echoes {
		to = binary.BigEndian.AppendUint64(to, e.who)
		to = binary.BigEndian.AppendUint64(to, e.nonce)
	}
	return to
}

// errForeign: a datagram is no beacon of ours.
var errForeign = errors.New("no beacon")

// parseBeacon reads a beacon that fills b.
func parseBeacon(b []byte) (beacon, error) {
	if len(b) < len(beaconMagic) || len(b) > maxBeacon || string(b[:len(beaconMagic)]) != beaconMagic {
		return beacon{}, errForeign
	}
	r := protocol.NewReader(b[len(beaconMagic):])
	n := beacon{me: readUint64(r), nonce: readUint64(r)}
	if v := r.Fixed(2); v != nil {
		n.every = time.Duration(binary.BigEndian.Uint16(v)) * time.Second
	}
	flags := r.Byte()
	n.segment = segmentName{shared: flags == 1, id: readUint64(r)}
	count := int(r.Byte())
	if flags > 1 || count > maxEchoes || n.every <= 0 || n.every > maxEvery {
		r.Fail()
		count = 0
	}
	for range count {
		n.echoes = append(n.echoes, echo{readUint64(r), readUint64(r)})
	}
	if err := r.Done(); err != nil {
		return beacon{}, err
	}
	return n, nil
}

// readUint64 reads 8 bytes, the most significant first.
func readUint64(r *protocol.Reader) uint64 {
	if b := r.Fixed(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}
