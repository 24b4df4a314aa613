package main

import (
	"context"
	"fmt"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// books is what the log says, computed without any of the code that is to be checked but the decoder.
type books struct {
	balances map[ledger.BalanceByCurrencyKey]int64
	versions map[cqrs.StreamID]cqrs.Version
	events   int
	found    int // acknowledged movements
	// movements and deposits count, per currency.
	movements, deposits moves
	// recent has the last movements of the treasury, by number.
	recent map[int64]movement
}

// check reads the whole log and compares: every acknowledged movement is there as it was acknowledged, versions have
// no gaps, no account is overdrawn, and every row of the read model has just the balance that the events add up to.
func (s *service) check(ctx context.Context, acknowledged map[cqrs.Position]movement) (*books, error) {
	b := &books{
		balances: map[ledger.BalanceByCurrencyKey]int64{}, versions: map[cqrs.StreamID]cqrs.Version{},
		movements: moves{}, deposits: moves{}, recent: map[int64]movement{},
	}
	for rec, err := range s.log.Read(ctx, eventlog.Query{}) {
		if err != nil {
			return nil, err
		}
		if err := b.add(rec, acknowledged); err != nil {
			return nil, err
		}
	}
	if b.found != len(acknowledged) {
		return nil, fmt.Errorf("%d acknowledged movements are lost", len(acknowledged)-b.found)
	}
	return b, b.checkBalances(ctx, s.BalanceByCurrency)
}

// checkBalances compares every row of the balances, in one of their stores.
func (b *books) checkBalances(ctx context.Context, kept *ledger.BalanceByCurrencyModel) error {
	rows := 0
	for entry, err := range kept.All(ctx) {
		if err != nil {
			return err
		}
		rows++
		if want, ok := b.balances[entry.Key]; !ok || want != entry.Row.Balance {
			return fmt.Errorf("the read model says %s holds %d %s, the log says %d",
				entry.Key.Account, entry.Row.Balance, entry.Key.Currency, want)
		}
	}
	if rows != len(b.balances) {
		return fmt.Errorf("the read model has %d balances, the log has %d", rows, len(b.balances))
	}
	return nil
}

func (b *books) add(rec *cqrs.Record, acknowledged map[cqrs.Position]movement) error {
	b.events++
	b.versions[rec.Stream]++
	if b.versions[rec.Stream] != rec.Version {
		return fmt.Errorf("version %d of %s is missing", b.versions[rec.Stream], rec.Stream)
	}
	m, moved, err := movementOf(rec)
	if err != nil || !moved {
		return err
	}
	if want, ok := acknowledged[rec.Position]; ok {
		if want != m {
			return fmt.Errorf("position %d has %+v, and %+v was acknowledged", rec.Position, m, want)
		}
		b.found++
	}
	if b.movements[m.currency]++; m.amount > 0 {
		b.deposits[m.currency]++
	}
	if m.account == treasury {
		b.recent[int64(rec.Version)] = m
		delete(b.recent, int64(rec.Version)-20)
	}
	key := ledger.BalanceByCurrencyKey{Account: m.account, Currency: m.currency}
	if b.balances[key] += m.amount; b.balances[key] < 0 {
		return fmt.Errorf("%s is overdrawn in %s at position %d", m.account, m.currency, rec.Position)
	}
	return nil
}

// movementOf decodes a record, if it is a movement.
func movementOf(rec *cqrs.Record) (m movement, moved bool, err error) {
	m = movement{position: rec.Position, account: ledger.AccountID(rec.Stream.ID)}
	switch rec.Type {
	case "MoneyDeposited":
		var e ledger.MoneyDeposited
		err = e.DecodeRecord(rec, jsoncodec.CopyStrings)
		m.currency, m.amount = e.Money.Currency, e.Money.Amount
	case "MoneyWithdrawn":
		var e ledger.MoneyWithdrawn
		err = e.DecodeRecord(rec, jsoncodec.CopyStrings)
		m.currency, m.amount = e.Money.Currency, -e.Money.Amount
	default:
		return m, false, nil
	}
	return m, true, err
}
