//go:build !quilt_mdns

package links

import "errors"

type lan struct{}

func newLAN(*Manager) *lan { return &lan{} }

func (*lan) announce() {}
func (*lan) stop()     {}

// MDNSError returns why this host does not take part in discovery on the LAN; nil
// where it does, or was not asked to.
func (m *Manager) MDNSError() error {
	if m.lan == nil {
		return nil
	}
	return errors.New("not built in yet")
}
