package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/quilt-p2p/quilt/sim/optimum"
)

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, optimum.ErrInfeasible):
		fmt.Fprintln(os.Stderr, "optimum:", err)
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "optimum:", err)
		os.Exit(2)
	}
}
