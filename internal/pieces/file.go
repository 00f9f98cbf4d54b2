package pieces

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/quilt-p2p/quilt/large"
)

// file is one content's.
type file struct {
	f        *os.File
	layout   large.Layout
	complete bool

	mu   sync.Mutex
	tree *large.Tree
}

// State is what is on disk of a content.
type State struct {
	Complete bool
	// Have are the pieces that are there, Tree has checked them; both nil where Complete.
	Have large.Bits
	Tree *large.Tree
}

// Open makes room for a content, or finds what is there of it: a part is read through
// and checked, which takes a second or so a gigabyte. It fails with ErrFull.
func (v *Vault) Open(k Key, m large.Manifest) (State, error) {
	fl, err := v.get(k, m)
	if err != nil {
		return State{}, err
	}
	if fl.complete {
		return State{Complete: true}, nil
	}
	st := State{Have: large.NewBits(m.Pieces()), Tree: large.NewTree(m)}
	buf := make([]byte, m.Segment())
	for i := range m.Pieces() { // an index piece comes before those below it
		b := buf[:m.Len(i)]
		if _, known := st.Tree.Hash(i); !known {
			continue
		}
		if _, err := fl.f.ReadAt(b, m.Offset(i)); err != nil {
			return State{}, fmt.Errorf("reading a part of a large file: %w", err)
		}
		if st.Tree.Check(i, b) != large.Genuine {
			continue
		}
		st.Have.Set(i)
		st.Tree.Learn(i, b)
		fl.mu.Lock()
		fl.tree.Learn(i, b)
		fl.mu.Unlock()
	}
	return st, nil
}

// get returns a content's file, opened or made if need be.
func (v *Vault) get(k Key, m large.Manifest) (*file, error) {
	if fl := v.opened(k); fl != nil {
		return fl, nil
	}
	complete := true
	f, err := os.OpenFile(v.path(k), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		complete = false
		f, err = v.openPart(k, m)
	}
	if err != nil {
		return nil, fmt.Errorf("opening a large file: %w", diskError(err))
	}
	fl := &file{f: f, layout: m.Layout, complete: complete, tree: large.NewTree(m)}
	if complete {
		if err := fl.learn(m); err != nil {
			_ = f.Close()
			return nil, err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if other := v.files[k]; other != nil {
		_ = f.Close()
		return other, nil
	}
	if len(v.order) >= maxOpen {
		if i := slices.IndexFunc(v.order, func(k Key) bool { return v.files[k].complete }); i >= 0 {
			v.drop(i)
		}
	}
	v.files[k] = fl
	v.order = append(v.order, k)
	return fl, nil
}

// opened returns a file that is open, nil for none.
func (v *Vault) opened(k Key) *file {
	v.mu.Lock()
	defer v.mu.Unlock()
	fl := v.files[k]
	if fl != nil {
		i := slices.Index(v.order, k)
		v.order = append(slices.Delete(v.order, i, i+1), k)
	}
	return fl
}

// openPart opens a part, and takes room for all of it where it is new.
func (v *Vault) openPart(k Key, m large.Manifest) (*os.File, error) {
	if err := os.MkdirAll(v.topicDir(k.Topic), 0o700); err != nil {
		return nil, err
	}
	path := v.path(k) + partSuffix
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		return f, f.Truncate(m.FileSize()) // in case it was not made that long any more
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := v.reserve(m.FileSize()); err != nil {
		return nil, err
	}
	if f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		err = f.Truncate(m.FileSize())
	}
	if err != nil {
		v.release(m.FileSize())
		if f != nil {
			_ = f.Close()
			_ = os.Remove(path)
		}
		return nil, err
	}
	return f, nil
}

// learn reads the index pieces of a complete file.
func (fl *file) learn(m large.Manifest) error {
	for i := range m.Index() {
		if _, err := fl.read(i); err != nil {
			return err
		}
	}
	return nil
}

// read reads piece i and checks it.
func (fl *file) read(i int) ([]byte, error) {
	b := make([]byte, fl.layout.Len(i))
	if _, err := fl.f.ReadAt(b, fl.layout.Offset(i)); err != nil {
		return nil, fmt.Errorf("reading a large file: %w", err)
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if fl.tree.Check(i, b) != large.Genuine {
		return nil, fmt.Errorf("piece %d of a large file: %w", i, ErrMissing)
	}
	fl.tree.Learn(i, b)
	return b, nil
}

// Read returns piece i of a content, checked: ErrMissing where it is not there, or
// damaged.
func (v *Vault) Read(k Key, m large.Manifest, i int) ([]byte, error) {
	fl, err := v.get(k, m)
	if err != nil {
		return nil, err
	}
	b, err := fl.read(i)
	if errors.Is(err, os.ErrClosed) { // to make room for another
		if fl, err = v.get(k, m); err == nil {
			b, err = fl.read(i)
		}
	}
	return b, err
}

// Write writes piece i, which was checked, of a content that was opened.
func (v *Vault) Write(k Key, i int, b []byte) error {
	fl := v.opened(k)
	if fl == nil || fl.complete {
		return ErrMissing
	}
	if _, err := fl.f.WriteAt(b, fl.layout.Offset(i)); err != nil {
		return fmt.Errorf("writing a large file: %w", diskError(err))
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	fl.tree.Learn(i, b)
	return nil
}

// Finish makes a content, all pieces of which were written, one in full.
func (v *Vault) Finish(k Key) error {
	fl := v.opened(k)
	if fl == nil || fl.complete {
		return nil
	}
	if err := fl.f.Sync(); err != nil {
		return fmt.Errorf("syncing a large file: %w", diskError(err))
	}
	if err := os.Rename(v.path(k)+partSuffix, v.path(k)); err != nil {
		return fmt.Errorf("finishing a large file: %w", err)
	}
	syncDir(v.topicDir(k.Topic))
	v.mu.Lock()
	defer v.mu.Unlock()
	fl.complete = true
	return nil
}
