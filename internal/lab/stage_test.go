package lab

import (
	"fmt"
	"testing"
)

// fakeTB notes how a test ends.
type fakeTB struct {
	TB
	ended string
}

func (f *fakeTB) Helper() {}
func (f *fakeTB) Skipf(format string, args ...any) {
	f.ended = "skipped: " + fmt.Sprintf(format, args...)
}
func (f *fakeTB) Fatalf(format string, args ...any) {
	f.ended = "failed: " + fmt.Sprintf(format, args...)
}

// TestRequire: where there can be no lab a test is skipped and says why; in CI it
// fails.
func TestRequire(t *testing.T) {
	t.Setenv("PATH", "") // so the programs are missing
	missing := Missing()
	if missing == nil {
		t.Fatal("a lab could be built without any program")
	}
	for ci, want := range map[string]string{"true": "failed: ", "": "skipped: "} {
		t.Setenv("CI", ci)
		var tb fakeTB
		Require(&tb)
		if tb.ended != want+missing.Error() {
			t.Errorf("CI=%q: %s, want %s", ci, tb.ended, want)
		}
	}
}
