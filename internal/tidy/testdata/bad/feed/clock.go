// Package feed looks at the clock.
package feed

import (
	"time"
	clock "time"
)

// Wait is a duration, which is a value.
const Wait = 3 * time.Second

var sleepy time.Timer // want `uses time.Timer`

func when() (time.Time, bool) {
	f := clock.Now                // want `uses time.Now`
	<-time.After(Wait)            // want `uses time.After` `receives from a channel`
	_ = time.Since(f())           // want `uses time.Since`
	sleepy = *time.NewTimer(Wait) // want `uses time.NewTimer`
	then := time.Unix(0, 0).UTC()
	return then, then.After(f()) // a method of a value, not the function
}

var _ = when
