package main

import (
	"context"
	"encoding/binary"
	"iter"
	"strconv"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/archive"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// madeUp is a log of movements that nobody stored: it makes each event up from its position, so that an archive of
// fifty million is there in a minute. Only what a rebuild asks of the log behind an archive is there.
//
// Each event is a commit of its own. The accounts take turns, in an order that differs from turn to turn and looks like
// chance, so that nothing that is near in the log is near in a read model.
type madeUp struct {
	archive.Store
	events   cqrs.Position
	accounts uint64
	ids      []string
}

func newMadeUp(events, accounts int) *madeUp {
	m := &madeUp{events: cqrs.Position(events), accounts: uint64(accounts), ids: make([]string, accounts)}
	for i := range m.ids {
		m.ids[i] = "acc-" + strconv.Itoa(1_000_000 + i)[1:]
	}
	return m
}

func (m *madeUp) Head(context.Context) (cqrs.Position, error) { return m.events, nil }

func (m *madeUp) Count(context.Context, ...string) (int64, error) { return int64(m.events), nil }

func (m *madeUp) Wait(ctx context.Context, after cqrs.Position) (cqrs.Position, error) {
	if after >= m.events {
		<-ctx.Done()
	}
	return m.events, ctx.Err()
}

func (m *madeUp) Read(_ context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		var (
			rec cqrs.Record
			buf []byte
		)
		through := m.events
		if q.Through > 0 {
			through = min(through, q.Through)
		}
		for at := max(q.After, 0) + 1; at <= through; at++ {
			if cap(buf)-len(buf) < 256 {
				buf = make([]byte, 0, 256<<10) // nobody writes to a payload again
			}
			first := len(buf)
			buf = m.event(at, &rec, buf)
			rec.Data = buf[first:len(buf):len(buf)]
			if !yield(&rec, nil) {
				return
			}
		}
	}
}

var (
	firstTime  = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	currencies = [...]ledger.Currency{ledger.CurrencyEUR, ledger.CurrencyGBP, ledger.CurrencyUSD}
)

// event sets what a record at a position has, and appends its payload to buf. Four of five are deposits.
func (m *madeUp) event(at cqrs.Position, rec *cqrs.Record, buf []byte) []byte {
	turn, place := uint64(at-1)/m.accounts, uint64(at-1)%m.accounts
	chance := mix(uint64(at))
	*rec = cqrs.Record{SchemaVersion: 1, ContentType: cqrs.JSON, Type: "MoneyDeposited"}
	if chance%5 == 0 {
		rec.Type = "MoneyWithdrawn"
	}
	rec.Position, rec.Version = at, cqrs.Version(turn+1)
	rec.Stream = cqrs.StreamID{Category: "Account", ID: m.ids[m.shuffled(turn, place)]}
	binary.BigEndian.PutUint64(rec.Commit[:], uint64(at))
	binary.BigEndian.PutUint64(rec.Commit[8:], chance)
	rec.Time = firstTime.Add(time.Duration(at) * time.Millisecond)
	rec.CorrelationID = "0198c5a2-7f3e-7000-8000-1234567890ab"
	buf = append(buf, `{"money":{"amount":`...)
	buf = strconv.AppendUint(buf, 1+chance>>8%100_000, 10)
	buf = append(append(append(buf, `,"currency":"`...), currencies[chance>>32%3]...), `"},"reference":"invoice 2026-03-01/`...)
	return append(strconv.AppendInt(buf, int64(at), 10), `"}`...)
}

// shuffled returns the account whose turn it is at a place: a permutation of all of them, another one in each turn.
// Numbers beyond the accounts are led on until one is among them.
func (m *madeUp) shuffled(turn, place uint64) uint64 {
	bits := uint(1)
	for 1<<(2*bits) < m.accounts {
		bits++
	}
	half := uint64(1)<<bits - 1
	for n := place; ; {
		left, right := n>>bits, n&half
		for round := range uint64(4) {
			left, right = right, left^mix(right<<8^round^turn<<40)&half
		}
		if n = left<<bits | right; n < m.accounts {
			return n
		}
	}
}

// mix is the last step of SplitMix64.
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
