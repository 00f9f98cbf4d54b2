package report

import "github.com/quilt-p2p/quilt/sim/scenario"

// inTime are the figures of deadlines, and of items that travel in pieces.
func inTime() []Field {
	part := func(key, name, unit, means string, better Direction, get func(*scenario.Large) *float64) Field {
		return optional("large."+key, name, unit, better, means, func(r *scenario.Result) *float64 {
			if r.Large == nil {
				return nil
			}
			return get(r.Large)
		})
	}
	always := func(get func(*scenario.Large) float64) func(*scenario.Large) *float64 {
		return func(l *scenario.Large) *float64 { v := get(l); return &v }
	}
	return []Field{
		optional("continuity", "in time", "", Higher, "with --deadline: share of (item, survivor) pairs delivered within it, of survivors that were there when the item was published",
			func(r *scenario.Result) *float64 { return r.Continuity }),
		part("pieces", "pieces of an item", "", "of items above 1020 KiB: in how many pieces one goes", Neither, always(func(l *scenario.Large) float64 { return float64(l.Pieces) })),
		part("one_copy_s", "one copy", "s", "what the slowest link that has to carry one, of publishers' uplinks and survivors' downlinks, takes for one copy", Neither, always(func(l *scenario.Large) float64 { return l.OneCopy })),
		part("slowest_link_s", "one copy, slowest link", "s", "the same of all uplinks too", Neither, always(func(l *scenario.Large) float64 { return l.Slowest })),
		part("all_s", "all have it", "s", "from publication until the last survivor has all of it, the greatest of all items", Lower, func(l *scenario.Large) *float64 { return l.All }),
		part("ratio", "all over one copy", "", "all_s over one_copy_s", Lower, func(l *scenario.Large) *float64 { return l.Ratio }),
		part("up_mean", "sent by a host", "", "what honest hosts have sent while items flowed, over the items' bytes: mean", Neither, always(func(l *scenario.Large) float64 { return l.UpMean })),
		part("up_max", "sent by one host", "", "the most that one has", Lower, always(func(l *scenario.Large) float64 { return l.UpMax })),
	}
}
