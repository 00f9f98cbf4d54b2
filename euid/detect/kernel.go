package detect

import (
	"fmt"
	"io"
	"os"
)

// kernel is the machine this runs on.
type kernel struct{}

// ReadFile implements System: at most maxConf bytes.
func (kernel) ReadFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if s, err := f.Stat(); err != nil {
		return nil, err
	} else if !s.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", name)
	}
	return io.ReadAll(io.LimitReader(f, maxConf))
}
