package gossipmembership

import "github.com/quilt-p2p/quilt/protocol"

// minRecordSize is the least an encoded record takes: version, peer ID of one
// byte, five numbers.
const minRecordSize = 8

// Decode reads a message of a view: a protocol.Decoder. Records in it are not
// verified: see RecordsIn.
func Decode(kind uint8, body []byte) (protocol.Message, error) {
	r := protocol.NewReader(body)
	var m protocol.Message
	switch kind {
	case kindNeighbor:
		m = Neighbor{Nonce: r.Uint64(), Degree: readDegree(r), Want: int(r.Uvarint(MaxRecords))}
	case kindNeighborReply:
		m = NeighborReply{Nonce: r.Uint64(), Accept: readBool(r), Degree: readDegree(r), Records: readRecords(r)}
	case kindDisconnect:
		m = Disconnect{Reason: readReason(r)}
	case kindPresent:
		m = Present{Degree: readDegree(r)}
	case kindShuffle:
		m = readShuffle(r)
	case kindShuffleReply:
		m = ShuffleReply(readShuffle(r))
	default:
		return nil, protocol.ErrUnknownKind
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

// RecordsIn returns the records that a message carries. A driver verifies them
// ([Record.Verify]) before the core sees the message, and refuses the whole
// message, charging its sender, if one does not hold.
func RecordsIn(m protocol.Message) []Record {
	switch m := m.(type) {
	case NeighborReply:
		return m.Records
	case Shuffle:
		return m.Records
	case ShuffleReply:
		return m.Records
	}
	return nil
}

func readShuffle(r *protocol.Reader) Shuffle {
	return Shuffle{Nonce: r.Uint64(), Degree: readDegree(r), Records: readRecords(r)}
}

func readDegree(r *protocol.Reader) int { return int(r.Uvarint(maxDegree)) }

func readBool(r *protocol.Reader) bool {
	switch r.Byte() {
	case 0:
		return false
	case 1:
		return true
	}
	r.Fail()
	return false
}

func readReason(r *protocol.Reader) Reason {
	reason := Reason(r.Byte())
	if reason >= numReasons {
		r.Fail()
	}
	return reason
}

// readRecords reads at most MaxRecords records. Whoever passes a record on has
// had its signature verified, so a sequence number of 0 is malformed.
func readRecords(r *protocol.Reader) []Record {
	n := r.Count(MaxRecords, minRecordSize)
	if n == 0 {
		return nil
	}
	recs := make([]Record, 0, n)
	for range n {
		rec := readRecord(r)
		if rec.Seq == 0 {
			r.Fail()
		}
		if r.Err() != nil {
			return nil
		}
		recs = append(recs, rec)
	}
	return recs
}
