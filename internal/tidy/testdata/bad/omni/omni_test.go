package omni

import (
	"os"
	"time"
)

var _ = os.Args[time.Now().Nanosecond()]
