package driver

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// membershipCost is how many bytes of a socket's optional memory a group joined takes
// (our measurement, Linux 6.18: 56 by IPv6, 48 by IPv4; internal/lantest repeats it).
const membershipCost = 56

// kernelLimit is how many groups the system lets a socket join. Each socket here joins
// one, so that more would be possible; but an administrator who has lowered it means
// that there should be few. The limits are those of the network namespace.
func kernelLimit() int {
	limit := math.MaxInt
	if n, ok := sysctl("net/ipv4/igmp_max_memberships"); ok {
		limit = n
	}
	if n, ok := sysctl("net/core/optmem_max"); ok { // the only one that IPv6 has
		limit = min(limit, n/membershipCost)
	}
	return limit
}

// sysctl reads a number, where the system has it.
func sysctl(name string) (int, bool) {
	b, err := os.ReadFile(filepath.Join("/proc/sys", name))
	if err != nil {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	return n, err == nil && n >= 0
}
