// Package lab builds networks of real hosts on one machine, to run quilt-peer
// processes in: sites with switches on which IP multicast works, NATs and
// firewalls, routers that a traceroute sees, resolvers, IPv6, delay and loss
// between sites; and it breaks them: kills, power cuts, pulled cables, new
// addresses, NATs that forget, partitions.
//
// It needs Linux, root, and the programs ip (iproute2) and nft (nftables). What is
// missing, [Missing] says; [Stage] skips a test for it, and fails it where CI=true.
//
// # A network of one's own
//
// A description is text, one statement a line; [Parse] has all of them, and
// testdata/seven.lab is a larger one:
//
//	site dc    lan       hosts=a,b ip=46 path=edge,*,carrier resolver=dns1
//	site home  cone      hosts=c,d       path=access,city
//	site flat  symmetric hosts=e         path=access2,city   resolver=dns1
//	site six   lan       hosts=f   ip=6
//	link default delay=30ms
//	link dc home delay=20ms loss=2% hops=x1,*,x2
//
// and a test with it:
//
//	func TestPeers(t *testing.T) {
//		n, err := lab.Load("testdata/own.lab")
//		if err != nil {
//			t.Fatal(err)
//		}
//		l := lab.Stage(t, n, lab.Options{}) // removed when the test ends
//		first, err := l.Host("a").Start(t.Context(), lab.PeerConfig{Program: "/path/of/quilt-peer"})
//		if err != nil {
//			t.Fatal(err)
//		}
//		home, err := l.Host("c").Start(t.Context(), lab.PeerConfig{Program: "/path/of/quilt-peer",
//			Args: []string{"--join", first.Ticket}})
//		if err != nil {
//			t.Fatal(err)
//		}
//		peers, err := home.Peers(t.Context()) // a Peer is a control.Client too
//		...
//		err = l.Rebind("home")                // the NAT forgets its flows and uses other ports
//		err = l.Host("a").PowerOff()          // nobody is told
//		l.Partition("dc", "six")              // from all others; l.Restore() undoes it
//		fmt.Println(l.Counts(), l.Carried("home", "dc"))
//	}
//
// To look around by hand, let the test sleep and use "ip netns list", and
// "ip netns exec NAME bash" in a namespace, with ping, tcpdump and the like.
// Programs are run on a host by [Host.Command], Go code by [Host.Do].
//
// A host that several sites list has an interface at each: [Host.Unplug] and the
// like take the names of sites, and mean all without. What is on the wire of a LAN,
// [Lab.Capture] tells; what goes from site to site, [Lab.Watch].
//
// # How it is made
//
// Each host and each site's router is a network namespace. The hosts of a site hang
// on a bridge in the router's namespace, which is their gateway, NAT and firewall.
// Beyond it there is no kernel: the router's other interface is a TUN, the other end
// of which is in this process. It reads each packet, decides as a network would
// ([Counts] has what can happen to it), and writes it to the destination's TUN when
// its time has come. Nothing else connects the namespaces, and nothing connects them
// with the machine's own network.
//
// On its way a packet passes the routers of its site's path, those of the link, and
// those of the other site's path in reverse; each takes one from its time to live
// and says so when that was the last, or not, if it is called "*".
//
// Addresses are of ranges that libp2p takes for public; all homes have the same
// private one, as in the world. Router addresses are given by [Lab.Router].
//
// # What to rely on
//
// Packets of one site to another keep their order while the link stays the same: to
// show that a packet does not arrive, send one behind it that does. A delay is never
// less than configured, and about half a millisecond more for a round trip. Losses
// are drawn from the description's seed for each direction, so they fall on the same
// packets as long as those come in the same order. Bandwidth is limited
// where the description gives a site's hosts a rate, for each host by itself.
//
// Everything of a lab has a name that begins with a prefix of its own. What one
// leaves whose process was killed, the next removes; labs that are alive do not
// notice each other.
package lab
