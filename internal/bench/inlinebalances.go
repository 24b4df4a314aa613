package main

import (
	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

type balanceRows = projection.Rows[ledger.BalanceByCurrencyKey, ledger.BalanceByCurrencyRow]

// inlineBalances is the ledger's BalanceByCurrency as it would be generated with mode: inline.
var inlineBalances = projection.Definition[ledger.BalanceByCurrencyKey, ledger.BalanceByCurrencyRow]{
	Name:   "BalanceByCurrency",
	Events: []string{"MoneyDeposited", "MoneyWithdrawn"},
	Codec: readmodel.Codec[ledger.BalanceByCurrencyKey, ledger.BalanceByCurrencyRow]{
		Schema: readmodel.Schema{
			Projection:  "BalanceByCurrency",
			Fingerprint: "00000000000000b1",
			Key: []readmodel.Column{
				{Name: "account", Kind: readmodel.String}, {Name: "currency", Kind: readmodel.String},
			},
			Row: []readmodel.Column{
				{Name: "balance", Kind: readmodel.Int64}, {Name: "movements", Kind: readmodel.Int64},
				{Name: "lastMovement", Kind: readmodel.Time},
			},
			Indexes: [][]string{{"account"}, {"currency", "balance"}},
		},
		AppendKey: func(values []readmodel.Value, k *ledger.BalanceByCurrencyKey) []readmodel.Value {
			return append(values, readmodel.OfString(string(k.Account)), readmodel.OfString(string(k.Currency)))
		},
		AppendRow: func(values []readmodel.Value, row *ledger.BalanceByCurrencyRow) ([]readmodel.Value, error) {
			return append(values,
				readmodel.OfInt64(row.Balance), readmodel.OfInt64(row.Movements), readmodel.OfTime(row.LastMovement)), nil
		},
		ReadKey: func(s *readmodel.Scanner, k *ledger.BalanceByCurrencyKey) {
			k.Account, k.Currency = ledger.AccountID(s.String()), ledger.Currency(s.String())
		},
		ReadRow: func(s *readmodel.Scanner, row *ledger.BalanceByCurrencyRow) {
			row.Balance, row.Movements, row.LastMovement = s.Int64(), s.Int64(), s.Time()
		},
	},
	OwnKey: func(k ledger.BalanceByCurrencyKey, _ bool) ledger.BalanceByCurrencyKey {
		k.Account = ledger.AccountID([]byte(k.Account))
		return k
	},
	ByStream: true,
	Inline:   true,
	NewFold: func(int) func(*balanceRows, *cqrs.Record) error {
		var m ledger.MoneyDeposited
		return func(rows *balanceRows, rec *cqrs.Record) error {
			amount, err := movement(rec.Type, rec.Data, &m)
			if err != nil {
				return err
			}
			row := rows.At(ledger.BalanceByCurrencyKey{Account: ledger.AccountID(rec.Stream.ID), Currency: m.Money.Currency})
			if row != nil {
				add(row, amount, rec.Time)
			}
			return nil
		}
	},
}
