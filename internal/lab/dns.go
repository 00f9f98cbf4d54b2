package lab

import (
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// zone is where hosts have names: "HOST.lab".
const zone = ".lab."

// answer returns the reply to a DNS query, or nil for what is none. lookup gives
// the addresses of a host. Every resolver of a lab knows that zone and nothing
// else.
func answer(query []byte, lookup func(host string) []netip.Addr) []byte {
	var p dnsmessage.Parser
	head, err := p.Start(query)
	if err != nil || head.Response {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	host, known := strings.CutSuffix(strings.ToLower(q.Name.String()), zone)
	var addrs []netip.Addr
	if known {
		addrs = lookup(host)
	}
	reply := dnsmessage.Header{ID: head.ID, Response: true, RecursionDesired: head.RecursionDesired, RecursionAvailable: true}
	if len(addrs) == 0 {
		reply.RCode = dnsmessage.RCodeNameError
	}
	b := dnsmessage.NewBuilder(nil, reply)
	b.EnableCompression()
	if b.StartQuestions() != nil || b.Question(q) != nil || b.StartAnswers() != nil {
		return nil
	}
	rr := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
	for _, a := range addrs {
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			err = b.AResource(rr, dnsmessage.AResource{A: a.As4()})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			err = b.AAAAResource(rr, dnsmessage.AAAAResource{AAAA: a.As16()})
		}
		if err != nil {
			return nil
		}
	}
	msg, err := b.Finish()
	if err != nil {
		return nil
	}
	return msg
}
