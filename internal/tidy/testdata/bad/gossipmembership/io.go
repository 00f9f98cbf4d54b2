// Package gossipmembership has sockets, files and a logger.
package gossipmembership

import (
	"context"
	"fmt"
	"log"      // want `imports log`
	"log/slog" // want `imports log/slog`
	"net"      // want `imports net`
	"net/http" // want `imports net/http`
	"net/netip"
	"os"       // want `imports os`
	"runtime"  // want `imports runtime`
	_ "unsafe" // want `imports unsafe`
)

//go:linkname now time.now
func now() int64 { return 0 } // want-above `go:linkname`

func io() {
	log.Print(os.Args, runtime.GOOS, net.IPv4zero, http.MethodGet, netip.Addr{}, now())
	slog.Info("hello")
	fmt.Println("hello")                                    // want `uses fmt.Println`
	println("hello")                                        // want `uses println`
	_, stop := context.WithTimeout(context.Background(), 1) // want `uses context.WithTimeout`
	stop()
	_ = fmt.Sprint("a value is no output")
}

var _ = io
