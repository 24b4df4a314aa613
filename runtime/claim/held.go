package claim

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Held is a value that a stream holds.
type Held struct {
	Holder cqrs.StreamID
	// Space is that of the value, as Change has it.
	Space string

	claim   cqrs.StreamID
	version cqrs.Version
}

// Held returns the values that streams of a category hold. It reads every claim that there ever was.
func (b *Book) Held(ctx context.Context, category string, do func(Held) error) error {
	for rec, err := range b.log.Read(ctx, eventlog.Query{Types: []string{claimed}}) {
		if err != nil {
			return err
		}
		var h holder
		if err := json.Unmarshal(rec.Data, &h); err != nil || h.Category != category {
			continue // one that is no claim is reported where it is read for a command
		}
		claim := cqrs.StreamID{Category: Category, ID: strings.Clone(rec.Stream.ID)}
		version := rec.Version
		now, held, err := b.held(ctx, claim)
		if err != nil {
			return err
		}
		if !held || now.version != version {
			continue // it is over, or comes again
		}
		if err := do(now); err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) held(ctx context.Context, claim cqrs.StreamID) (Held, bool, error) {
	e := entry{stream: claim}
	if err := b.load(ctx, &e); err != nil || e.free() {
		return Held{}, false, err
	}
	return Held{Holder: e.holder, Space: e.space, claim: claim, version: e.version}, true, nil
}

// Is reports whether a value is the one that is held.
func (b *Book) Is(ctx context.Context, h Held, v *Value) (bool, error) {
	if !v.Claimed() {
		return false, nil
	}
	key, err := b.key.get(ctx)
	if err != nil {
		return false, err
	}
	return h.claim.ID == hex.EncodeToString(digest(key, h.Space, v.bytes())), nil
}

// Release plans that the value is given back, if nothing happened to its claim since.
func (h Held) Release() eventlog.StreamAppend {
	e := entry{stream: h.claim, version: h.version}
	e.release()
	return eventlog.StreamAppend{Stream: e.stream, Expected: eventlog.Exactly(e.version), Events: e.events}
}
