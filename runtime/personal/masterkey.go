package personal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// MasterKey is a Wrapper with a key of its own, of 32 bytes: for who has no key management service. Whoever has the
// store and the master key can read everything, so that they are not kept, or backed up, in one place.
type MasterKey struct {
	aead cipher.AEAD
	id   [8]byte // tells another master key from a changed wrapping
}

const (
	keySize       = 32
	wrappedFormat = 1
)

// NewMasterKey returns the Wrapper of a key of 32 bytes.
func NewMasterKey(key []byte) (*MasterKey, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("personal: a master key has %d bytes, not %d", keySize, len(key))
	}
	sum := sha256.Sum256(append([]byte("cqrsgen master key\x00"), key...))
	return &MasterKey{aead: newAEAD(key), id: [8]byte(sum[:8])}, nil
}

// newAEAD returns AES-256-GCM. The key has the right size.
func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("personal: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("personal: " + err.Error())
	}
	return aead
}

// MasterKeyFromEnv reads the master key, in standard base64, from an environment variable.
func MasterKeyFromEnv(name string) (*MasterKey, error) {
	text, ok := os.LookupEnv(name)
	if !ok {
		return nil, fmt.Errorf("personal: the environment variable %s has no master key: set it to 32 random bytes in base64", name)
	}
	return parseMasterKey(name, text)
}

// MasterKeyFromFile reads the master key, in standard base64, from a file. One that is not there is made with a new
// key, readable for its owner alone.
func MasterKeyFromFile(path string) (*MasterKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = makeMasterKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("personal: the master key: %w", err)
	}
	return parseMasterKey(path, string(text))
}

func parseMasterKey(from, text string) (*MasterKey, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("personal: the master key of %s is not base64 of %d bytes", from, keySize)
	}
	return NewMasterKey(key)
}

// makeMasterKey makes the file whole or not at all. Of several that make it at once, one does: the others read its key.
func makeMasterKey(path string) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key)
	text := []byte(base64.StdEncoding.EncodeToString(key) + "\n")
	f, err := os.CreateTemp(filepath.Dir(path), ".master-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Wrap encrypts a key.
func (m *MasterKey) Wrap(_ context.Context, key, context []byte) ([]byte, error) {
	b := append([]byte{wrappedFormat}, m.id[:]...)
	nonce := make([]byte, m.aead.NonceSize())
	rand.Read(nonce)
	return m.aead.Seal(append(b, nonce...), nonce, key, context), nil
}

// Unwrap decrypts a key. The error is a *WrongMasterKeyError.
func (m *MasterKey) Unwrap(_ context.Context, wrapped, context []byte) ([]byte, error) {
	head := 1 + len(m.id)
	n := m.aead.NonceSize()
	switch {
	case len(wrapped) < head+n || wrapped[0] != wrappedFormat:
		return nil, &WrongMasterKeyError{"it was not wrapped by a master key of this version"}
	case [8]byte(wrapped[1:head]) != m.id:
		return nil, &WrongMasterKeyError{"it was wrapped with another master key; give the one that the store was made with"}
	}
	key, err := m.aead.Open(nil, wrapped[head:head+n], wrapped[head+n:], context)
	if err != nil {
		return nil, &WrongMasterKeyError{"what the store has of it was changed; restore the store from a backup"}
	}
	return key, nil
}
