package protocol

import (
	"math"
	"testing"
	"time"
)

func TestTimeAdd(t *testing.T) {
	tests := []struct {
		t    Time
		d    time.Duration
		want Time
	}{
		{0, 0, 0},
		{5, 7, 12},
		{5, -7, -2},
		{Never, 0, Never},
		{Never, time.Hour, Never},
		{Never, -time.Hour, Never},
		{Never - 1, 1, Never},
		{Never - 1, 2, Never},
		{Never - 1, math.MaxInt64, Never},
		{1, math.MaxInt64, Never},
		{0, math.MaxInt64, Never},
		{-1, math.MaxInt64, Never - 1},
		{Never - 1, -1, Never - 2},
	}
	for _, test := range tests {
		if got := test.t.Add(test.d); got != test.want {
			t.Errorf("%d + %d = %d, want %d", test.t, test.d, got, test.want)
		}
	}
}

func TestTime(t *testing.T) {
	if d := Time(time.Second).Sub(Time(time.Minute)); d != -59*time.Second {
		t.Errorf("1 s - 1 min = %v", d)
	}
	for _, test := range []struct {
		ts   []Time
		want Time
	}{{nil, Never}, {[]Time{Never}, Never}, {[]Time{3, -1, Never}, -1}} {
		if got := Earliest(test.ts...); got != test.want {
			t.Errorf("earliest of %v is %v, want %v", test.ts, got, test.want)
		}
	}
}
