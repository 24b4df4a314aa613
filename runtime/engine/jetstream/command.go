package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/nats-io/nats.go"
)

// Command implements eventlog.Log. It knows what was committed within the time of DuplicateWindow.
func (l *Log) Command(ctx context.Context, id string, hash [32]byte) (eventlog.Appended, bool, error) {
	if err := l.usable(ctx); err != nil {
		return eventlog.Appended{}, false, err
	}
	sequence, ok, err := l.probe(ctx, id, 0)
	if !ok || err != nil {
		return eventlog.Appended{}, false, err
	}
	r, err := l.recorded(ctx, sequence)
	if err != nil {
		return eventlog.Appended{}, false, err
	}
	if r.hash != hash {
		return eventlog.Appended{}, false, &cqrs.CommandReusedError{CommandID: id}
	}
	r.outcome.Repeated = true
	return r.outcome, true, nil
}

// probe asks the servers for the message of a command. It publishes one under the same id that can't be stored, since it
// expects what never is: the leader looks at the id first, and so answers where the first message of that id is, or
// refuses, and says what its last sequence is. If that is less than least, or than what this process has seen, it is the
// leader no more, and is asked again.
func (l *Log) probe(ctx context.Context, command string, least uint64) (sequence uint64, ok bool, err error) {
	least = max(least, sequenceOf(l.news.least()))
	header := nats.Header{headerMessageID: {messageID(command)}}
	if l.options.replicas > 1 {
		header[headerExpectedLast] = []string{strconv.FormatInt(math.MaxInt64, 10)}
	} else {
		// A server that is alone looks at the expected sequence first.
		header[headerExpectedLastID] = []string{"none"}
	}
	err = l.conn.retry(ctx, func() error {
		_, err := l.conn.publish(ctx, &nats.Msg{Subject: l.names.notes(), Header: header})
		if last, ok := lastSequence(err); ok && last < least {
			return fmt.Errorf("%w that knows message %d", errUnsent, least)
		}
		return err
	})
	if duplicate := (*duplicateError)(nil); errors.As(err, &duplicate) {
		return duplicate.sequence, true, nil
	}
	switch {
	case hasCode(err, codeWrongLastSequence, codeWrongLastMessageID):
		return 0, false, nil
	case err == nil:
		return 0, false, corruptf("the servers stored a message that expected what can't be")
	}
	return 0, false, err
}

// lastSequence reads what a server that expects another last sequence says its own one is.
func lastSequence(err error) (uint64, bool) {
	var api *apiError
	if !errors.As(err, &api) || api.Code != codeWrongLastSequence {
		return 0, false
	}
	last, err := strconv.ParseUint(strings.TrimPrefix(api.Description, "wrong last sequence: "), 10, 64)
	return last, err == nil
}

// record is what is kept of a command.
type record struct {
	attempt uint64
	hash    [32]byte
	outcome eventlog.Appended
}

// recorded reads the outcome of a command from the first message of its commit.
func (l *Log) recorded(ctx context.Context, sequence uint64) (record, error) {
	m, err := l.message(ctx, sequence)
	if err != nil {
		return record{}, err
	}
	var p part
	err = new(decoder).part(m.Data, &p)
	if err == nil && !p.has(flagCommand) {
		err = corruptf("it has no command")
	}
	if err != nil {
		return record{}, fmt.Errorf("message %d: %w", sequence, err)
	}
	r := record{p.attempt, p.hash, p.appended(sequence)}
	if p.lastCount == 0 {
		r.outcome.Position, err = l.headBefore(ctx, sequence, p.known)
	}
	return r, err
}

// appended returns the outcome that the first part of a command has on record. That of a command without events lacks
// the position.
func (p *part) appended(sequence uint64) eventlog.Appended {
	a := eventlog.Appended{Version: p.outcome, Meta: p.meta}
	if p.lastCount > 0 {
		a.Position = positionOf(sequence+p.parts-1, p.lastCount-1)
	}
	return a
}
