package lab

import "os"

// TB is what [Stage] needs of a testing.TB.
type TB interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Cleanup(func())
}

// Stage builds a network for a test and removes it at the test's end. Where no lab
// can be built it skips the test and says why; with CI=true in the environment that
// is a failure.
func Stage(t TB, n Network, o Options) *Lab {
	t.Helper()
	Require(t)
	l, err := Open(n, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("%v", err)
		}
	})
	return l
}

// Require skips the test, or fails it with CI=true, where no lab can be built.
func Require(t TB) {
	t.Helper()
	switch err := Missing(); {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%v", err)
	default:
		t.Skipf("%v", err)
	}
}
