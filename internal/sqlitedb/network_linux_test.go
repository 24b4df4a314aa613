package sqlitedb

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNetworkFileSystemsAreKnownByName(t *testing.T) {
	for magic, name := range map[uint32]string{
		0x6969: "NFS", 0xfe534d42: "SMB2", 0xff534d42: "CIFS", 0x01021997: "9P", 0xef53: "",
	} {
		assert.Equal(t, name, networkFileSystems[magic])
	}
	name, err := networkFileSystem(t.TempDir())
	require.NoError(t, err)
	assert.Empty(t, name)
	assert.ErrorContains(t, &NetworkError{Path: "x", FileSystem: "NFS"}, "NFS")
}
