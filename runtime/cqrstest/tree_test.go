package cqrstest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

type seal []byte

func TestBytesOfATypeOfTheirOwnAreSpelledAsBytes(t *testing.T) {
	assert.Equal(t, jsonOf([]byte("wax")), jsonOf(seal("wax")))
}
