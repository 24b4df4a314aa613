//go:build !linux

package postgres

import (
	"errors"
	"testing"
)

func smallDisk(*testing.T, string) error {
	return errors.New("only Linux has a small file system for tests")
}
