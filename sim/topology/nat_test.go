package topology

import "testing"

// The table: "anyone reaches none. Punching, either side first:", row by row of the
// specification of the format.
func TestNATTable(t *testing.T) {
	all := []NAT{NATNone, NATCone, NATSymmetric, NATFirewall}
	punches := map[[2]NAT]bool{
		{NATCone, NATCone}: true, {NATCone, NATFirewall}: true,
		{NATFirewall, NATCone}: true, {NATFirewall, NATFirewall}: true,
	}
	for _, a := range all {
		for _, b := range all {
			if got, want := Reaches(a, b), b == NATNone; got != want {
				t.Errorf("Reaches(%v, %v) = %v", a, b, got)
			}
			if got, want := Punches(a, b), punches[[2]NAT{a, b}]; got != want {
				t.Errorf("Punches(%v, %v) = %v", a, b, got)
			}
			want := a == NATNone || b == NATNone || punches[[2]NAT{a, b}]
			if Linkable(a, b) != want || Linkable(b, a) != want {
				t.Errorf("Linkable(%v, %v) = %v, back %v", a, b, Linkable(a, b), Linkable(b, a))
			}
		}
	}
}

func TestNATNames(t *testing.T) {
	for _, n := range []NAT{NATNone, NATCone, NATSymmetric, NATFirewall} {
		if got, err := ParseNAT(n.String()); got != n || err != nil {
			t.Errorf("%v: %v, %v", n, got, err)
		}
	}
	if s := NAT(9).String(); s != "NAT(9)" {
		t.Error(s)
	}
	if _, err := ParseNAT("NAT(9)"); err == nil {
		t.Error("NAT(9) was parsed")
	}
}

func TestPunchWorks(t *testing.T) {
	works, changed := 0, 0
	const hosts = 200
	for a := range hosts {
		for b := range a {
			if PunchWorks(7, a, b) != PunchWorks(7, b, a) {
				t.Fatalf("%d and %d: depends on who is first", a, b)
			}
			if PunchWorks(7, a, b) {
				works++
			}
			if PunchWorks(7, a, b) != PunchWorks(8, a, b) {
				changed++
			}
		}
	}
	const pairs = hosts * (hosts - 1) / 2
	if share := float64(works) / pairs; share < PunchSuccess-0.01 || share > PunchSuccess+0.01 {
		t.Errorf("%.3f of punches work", share)
	}
	// Independent seeds differ in 2 * 0.9 * 0.1 of the pairs.
	if share := float64(changed) / pairs; share < 0.16 || share > 0.20 {
		t.Errorf("%.3f of pairs change with the seed", share)
	}
}
