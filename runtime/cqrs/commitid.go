package cqrs

import (
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// NewCommitID returns the id of a new commit. It starts with the time, so that ids of one program are about in the order
// in which they were made; 62 of its bits are random, from the generator that the runtime seeds with the system's.
func NewCommitID() (id CommitID) {
	now := time.Now()
	ms := now.UnixMilli()
	fraction := now.Sub(time.UnixMilli(ms)) * 4096 / time.Millisecond
	binary.BigEndian.PutUint64(id[:8], uint64(ms)<<16|7<<12|uint64(fraction)&0xfff)
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()&(1<<62-1)|1<<63)
	return id
}
