package mirror

import "time"

// State is what a person wants to know of a mirror. Times are of this host's wall
// clock, zero where it has not happened yet.
type State struct {
	Source   string        `json:"source"`
	Interval time.Duration `json:"interval_ns"`
	// Title and Format are the document's own: Format is rss, atom or json.
	Title  string `json:"title,omitempty"`
	Format string `json:"format,omitempty"`

	// Entries is the number of entries in the document as last read.
	Entries int `json:"entries"`
	// Published counts entries published in this run.
	Published int `json:"published"`
	// Skipped counts entries of the document as last read that are not mirrored,
	// because it has too many, names two alike, or they are empty or too large.
	Skipped int `json:"skipped"`
	// Truncated counts entries of the document as last read whose content is cut.
	Truncated int `json:"truncated"`
	// Polls counts all polls of this run, Failures those failed in a row.
	Polls    int `json:"polls"`
	Failures int `json:"failures"`
	// LastError is why the last poll failed; empty if it did not.
	LastError string `json:"last_error,omitempty"`

	LastPoll      time.Time `json:"last_poll,omitzero"`
	LastSuccess   time.Time `json:"last_success,omitzero"`
	LastPublished time.Time `json:"last_published,omitzero"`
	NextPoll      time.Time `json:"next_poll,omitzero"`
}

// State returns a copy of the state. It may be called while the mirror runs.
func (m *Mirror) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// record takes one poll into the state; feed is nil where none was read.
func (m *Mirror) record(res Result, feed *Feed, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &m.state
	s.Polls++
	s.LastPoll, s.NextPoll = m.now(), time.Time{}
	s.Published += res.Published
	if res.Published > 0 {
		s.LastPublished = s.LastPoll
	}
	if feed != nil {
		s.Title, s.Format = feed.Title, feed.Format
		s.Entries, s.Skipped, s.Truncated = len(feed.Items), feed.Skipped, feed.Truncated
	}
	if err != nil {
		s.Failures++
		s.LastError = err.Error()
		return
	}
	s.Failures, s.LastError, s.LastSuccess = 0, "", s.LastPoll
}

// schedule notes when the next poll is due.
func (m *Mirror) schedule(delay time.Duration) State {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.NextPoll = m.now().Add(delay)
	return m.state
}
