package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/crypto/pb"
)

// loadKey reads an Ed25519 key from a file, or makes one there. A key file that
// others can read is refused: whoever has read it can speak as this peer.
func loadKey(path string) (crypto.PrivKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("key file %s has mode %04o, so others on this machine can read it: run \"chmod 600 %s\", and make a new key if you do not trust them", path, mode, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading key: %w", err)
	}
	key, err := crypto.UnmarshalPrivateKey(b)
	if err == nil {
		err = checkKey(key)
	}
	if err != nil {
		return nil, fmt.Errorf("key file %s is damaged (%w): restore it from a backup, or move it away to get a new identity", path, err)
	}
	return key, nil
}

// checkKey finds a key of another kind, and one whose halves do not belong
// together: a flipped bit would otherwise show as signatures that nobody accepts.
func checkKey(key crypto.PrivKey) error {
	if key.Type() != pb.KeyType_Ed25519 {
		return fmt.Errorf("a key of type %s, not Ed25519", key.Type())
	}
	probe := []byte("quilt-key-check")
	sig, err := key.Sign(probe)
	if err != nil {
		return err
	}
	if ok, err := key.GetPublic().Verify(probe, sig); err != nil || !ok {
		return errors.New("its public half does not match")
	}
	return nil
}

// createKey makes a key and writes it with mode 0600. A key that exists is never
// overwritten, and a crash leaves either no key or a whole one.
func createKey(path string) (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	b, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("writing key: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Link(tmp.Name(), path)
	}
	if err != nil {
		return nil, fmt.Errorf("writing key: %w", err)
	}
	return key, syncDir(filepath.Dir(path))
}

// syncDir makes a new name in a directory last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
