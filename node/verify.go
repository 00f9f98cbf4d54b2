package node

import (
	"runtime"
	"sync"

	"github.com/quilt-p2p/quilt/feed"
	"github.com/quilt-p2p/quilt/internal/core"
	"github.com/quilt-p2p/quilt/internal/store"
	"github.com/quilt-p2p/quilt/protocol"
)

// maxChecks bounds the checks that wait for a worker: what one topic may have
// under way, several times over. Beyond it a check is undecided, and the item
// comes again by repair.
const maxChecks = 4 * core.MaxPending

// verifier checks signatures and the stateless rules of topics, on all cores.
type verifier struct {
	jobs  chan protocol.Verify
	store *store.Store
	tell  func(protocol.Input)
	wg    sync.WaitGroup
}

func newVerifier(s *store.Store, tell func(protocol.Input)) *verifier {
	v := &verifier{jobs: make(chan protocol.Verify, maxChecks), store: s, tell: tell}
	for range runtime.GOMAXPROCS(0) {
		v.wg.Add(1)
		go v.work()
	}
	return v
}

// check queues a check; it reports false when there is no room.
func (v *verifier) check(e protocol.Verify) bool {
	select {
	case v.jobs <- e:
		return true
	default:
		return false
	}
}

// close ends the workers. No check may follow.
func (v *verifier) close() {
	close(v.jobs)
	v.wg.Wait()
}

func (v *verifier) work() {
	defer v.wg.Done()
	for e := range v.jobs {
		v.tell(protocol.Verified{Token: e.Token, Verdict: v.judge(e)})
	}
}

// judge looks into the store first: what is held need not be checked again.
func (v *verifier) judge(e protocol.Verify) protocol.Verdict {
	if held, err := v.store.Has(e.Item.ID); err != nil {
		return protocol.Undecided
	} else if held {
		return protocol.Known
	}
	if feed.Check(e.Item) != nil || feed.Verify(e.Item) != nil {
		return protocol.Invalid
	}
	return protocol.Valid
}
