package jsoncodec_test

import (
	"time"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// This file is written the way generated code is: the types of a small ledger, and one event with every type.

type Currency string

const (
	CurrencyEUR Currency = "EUR"
	CurrencyGBP Currency = "GBP"
	CurrencyUSD Currency = "USD"
)

func (v Currency) Valid() bool {
	switch v {
	case CurrencyEUR, CurrencyGBP, CurrencyUSD:
		return true
	}
	return false
}

func (v *Currency) readJSON(r *jsoncodec.Reader) {
	switch string(r.Text()) {
	case "EUR":
		*v = CurrencyEUR
	case "GBP":
		*v = CurrencyGBP
	case "USD":
		*v = CurrencyUSD
	default:
		r.Unknown("Currency")
	}
}

type Money struct {
	Amount   int64    `json:"amount"`
	Currency Currency `json:"currency"`
}

func (v *Money) writeJSON(w *jsoncodec.Writer) {
	w.Raw(`{"amount":`)
	w.Int(v.Amount)
	w.Raw(`,"currency":`)
	w.Enum(string(v.Currency), v.Currency.Valid())
	w.Raw(`}`)
}

func (v *Money) readJSON(r *jsoncodec.Reader) {
	var seen uint64
	for r.Object(); r.Field(); {
		switch string(r.Name()) {
		case "amount":
			v.Amount = r.Int64()
			seen |= 1 << 0
		case "currency":
			v.Currency.readJSON(r)
			seen |= 1 << 1
		default:
			r.Skip()
		}
	}
	if seen != 1<<2-1 {
		r.Missing(seen, "amount", "currency")
	}
}

type MoneyDeposited struct {
	Money     Money                 `json:"money"`
	Reference cqrs.Optional[string] `json:"reference,omitzero"`
}

func (e *MoneyDeposited) writeJSON(w *jsoncodec.Writer) {
	w.Raw(`{"money":`)
	e.Money.writeJSON(w)
	if v, ok := e.Reference.Get(); ok {
		w.Field(`"reference":`)
		w.String(v)
	}
	w.Raw(`}`)
}

func (e *MoneyDeposited) readJSON(r *jsoncodec.Reader) {
	var seen uint64
	for r.Object(); r.Field(); {
		switch string(r.Name()) {
		case "money":
			e.Money.readJSON(r)
			seen |= 1 << 0
		case "reference":
			e.Reference = jsoncodec.ReadOptional(r, func(r *jsoncodec.Reader, v *string) { *v = r.String() })
		default:
			r.Skip()
		}
	}
	if seen != 1<<1-1 {
		r.Missing(seen, "money")
	}
}

func (e *MoneyDeposited) AppendJSON(b []byte) ([]byte, error) {
	w := jsoncodec.NewWriter(b)
	e.writeJSON(&w)
	return w.Finish("MoneyDeposited")
}

func (e *MoneyDeposited) DecodeJSON(data []byte, strings jsoncodec.Strings) error {
	r := jsoncodec.NewReader(data, strings)
	e.readJSON(&r)
	return r.Finish("MoneyDeposited")
}

type (
	SKU    string
	Weight float64
	Shelf  int32
	Serial uint64
)

type Line struct {
	SKU   SKU                  `json:"sku"`
	Price cqrs.Optional[Money] `json:"price,omitzero"`
	Tags  []string             `json:"tags"`
}

func (v *Line) writeJSON(w *jsoncodec.Writer) {
	w.Raw(`{"sku":`)
	w.String(string(v.SKU))
	if v, ok := v.Price.Get(); ok {
		w.Field(`"price":`)
		v.writeJSON(w)
	}
	w.Raw(`,"tags":`)
	jsoncodec.WriteList(w, v.Tags, func(w *jsoncodec.Writer, v *string) { w.String(*v) })
	w.Raw(`}`)
}

func (v *Line) readJSON(r *jsoncodec.Reader) {
	var seen uint64
	for r.Object(); r.Field(); {
		switch string(r.Name()) {
		case "sku":
			v.SKU = SKU(r.String())
			seen |= 1 << 0
		case "price":
			v.Price = jsoncodec.ReadOptional(r, func(r *jsoncodec.Reader, v *Money) { v.readJSON(r) })
		case "tags":
			v.Tags = jsoncodec.ReadList(r, func(r *jsoncodec.Reader, v *string) { *v = r.String() })
			seen |= 1 << 1
		default:
			r.Skip()
		}
	}
	if seen != 1<<2-1 {
		r.Missing(seen, "sku", "tags")
	}
}

// Everything has a field of each type that the model language knows.
type Everything struct {
	Text     string                     `json:"text"`
	Flag     bool                       `json:"flag"`
	Int      int                        `json:"int"`
	Int32    int32                      `json:"int32"`
	Int64    int64                      `json:"int64"`
	Uint32   uint32                     `json:"uint32"`
	Uint64   uint64                     `json:"uint64"`
	Float    float64                    `json:"float"`
	Bytes    []byte                     `json:"bytes"`
	Time     time.Time                  `json:"time"`
	Duration time.Duration              `json:"duration"`
	ID       uuid.UUID                  `json:"id"`
	Day      cqrs.Date                  `json:"day"`
	Currency Currency                   `json:"currency"`
	Weight   Weight                     `json:"weight"`
	Note     cqrs.Optional[string]      `json:"note,omitzero"`
	Until    cqrs.Optional[time.Time]   `json:"until,omitzero"`
	Lines    []Line                     `json:"lines"`
	Days     [][]cqrs.Date              `json:"days"`
	Gaps     []cqrs.Optional[int64]     `json:"gaps"`
	Named    map[string]Line            `json:"named"`
	Balances map[Currency]int64         `json:"balances"`
	Shelves  map[Shelf]map[Serial][]SKU `json:"shelves"`
}

func (e *Everything) writeJSON(w *jsoncodec.Writer) {
	w.Raw(`{"text":`)
	w.String(e.Text)
	w.Raw(`,"flag":`)
	w.Bool(e.Flag)
	w.Raw(`,"int":`)
	w.Int(int64(e.Int))
	w.Raw(`,"int32":`)
	w.Int(int64(e.Int32))
	w.Raw(`,"int64":`)
	w.Int(e.Int64)
	w.Raw(`,"uint32":`)
	w.Uint(uint64(e.Uint32))
	w.Raw(`,"uint64":`)
	w.Uint(e.Uint64)
	w.Raw(`,"float":`)
	w.Float(e.Float)
	w.Raw(`,"bytes":`)
	w.Bytes(e.Bytes)
	w.Raw(`,"time":`)
	w.Time(e.Time)
	w.Raw(`,"duration":`)
	w.Duration(e.Duration)
	w.Raw(`,"id":`)
	w.UUID(e.ID)
	w.Raw(`,"day":`)
	w.Date(e.Day)
	w.Raw(`,"currency":`)
	w.Enum(string(e.Currency), e.Currency.Valid())
	w.Raw(`,"weight":`)
	w.Float(float64(e.Weight))
	if v, ok := e.Note.Get(); ok {
		w.Field(`"note":`)
		w.String(v)
	}
	if v, ok := e.Until.Get(); ok {
		w.Field(`"until":`)
		w.Time(v)
	}
	e.writeCollections(w)
	w.Raw(`}`)
}

func (e *Everything) writeCollections(w *jsoncodec.Writer) {
	w.Raw(`,"lines":`)
	jsoncodec.WriteList(w, e.Lines, func(w *jsoncodec.Writer, v *Line) { v.writeJSON(w) })
	w.Raw(`,"days":`)
	jsoncodec.WriteList(w, e.Days, func(w *jsoncodec.Writer, v *[]cqrs.Date) {
		jsoncodec.WriteList(w, *v, func(w *jsoncodec.Writer, v *cqrs.Date) { w.Date(*v) })
	})
	w.Raw(`,"gaps":`)
	jsoncodec.WriteList(w, e.Gaps, func(w *jsoncodec.Writer, v *cqrs.Optional[int64]) {
		if v, ok := v.Get(); ok {
			w.Int(v)
		} else {
			w.Null()
		}
	})
	w.Raw(`,"named":`)
	jsoncodec.WriteStringMap(w, e.Named, func(w *jsoncodec.Writer, v *Line) { v.writeJSON(w) })
	w.Raw(`,"balances":`)
	jsoncodec.WriteEnumMap(w, e.Balances, func(w *jsoncodec.Writer, v *int64) { w.Int(*v) })
	w.Raw(`,"shelves":`)
	jsoncodec.WriteIntMap(w, e.Shelves, func(w *jsoncodec.Writer, v *map[Serial][]SKU) {
		jsoncodec.WriteUintMap(w, *v, func(w *jsoncodec.Writer, v *[]SKU) {
			jsoncodec.WriteList(w, *v, func(w *jsoncodec.Writer, v *SKU) { w.String(string(*v)) })
		})
	})
}

func (e *Everything) readJSON(r *jsoncodec.Reader) {
	var seen uint64
	for r.Object(); r.Field(); {
		switch string(r.Name()) {
		case "text":
			e.Text = r.String()
			seen |= 1 << 0
		case "flag":
			e.Flag = r.Bool()
			seen |= 1 << 1
		case "int":
			e.Int = r.Int()
			seen |= 1 << 2
		case "int32":
			e.Int32 = r.Int32()
			seen |= 1 << 3
		case "int64":
			e.Int64 = r.Int64()
			seen |= 1 << 4
		case "uint32":
			e.Uint32 = r.Uint32()
			seen |= 1 << 5
		case "uint64":
			e.Uint64 = r.Uint64()
			seen |= 1 << 6
		case "float":
			e.Float = r.Float64()
			seen |= 1 << 7
		case "bytes":
			e.Bytes = r.Bytes()
			seen |= 1 << 8
		case "time":
			e.Time = r.Time()
			seen |= 1 << 9
		case "duration":
			e.Duration = r.Duration()
			seen |= 1 << 10
		case "id":
			e.ID = r.UUID()
			seen |= 1 << 11
		case "day":
			e.Day = r.Date()
			seen |= 1 << 12
		case "currency":
			e.Currency.readJSON(r)
			seen |= 1 << 13
		case "weight":
			e.Weight = Weight(r.Float64())
			seen |= 1 << 14
		case "note":
			e.Note = jsoncodec.ReadOptional(r, func(r *jsoncodec.Reader, v *string) { *v = r.String() })
		case "until":
			e.Until = jsoncodec.ReadOptional(r, func(r *jsoncodec.Reader, v *time.Time) { *v = r.Time() })
		case "lines":
			e.Lines = jsoncodec.ReadList(r, func(r *jsoncodec.Reader, v *Line) { v.readJSON(r) })
			seen |= 1 << 15
		case "days":
			e.Days = jsoncodec.ReadList(r, func(r *jsoncodec.Reader, v *[]cqrs.Date) {
				*v = jsoncodec.ReadList(r, func(r *jsoncodec.Reader, v *cqrs.Date) { *v = r.Date() })
			})
			seen |= 1 << 16
		case "gaps":
			e.Gaps = jsoncodec.ReadList(r, func(r *jsoncodec.Reader, v *cqrs.Optional[int64]) {
				*v = jsoncodec.ReadOptional(r, func(r *jsoncodec.Reader, v *int64) { *v = r.Int64() })
			})
			seen |= 1 << 17
		case "named":
			e.Named = jsoncodec.ReadStringMap[string](r, func(r *jsoncodec.Reader, v *Line) { v.readJSON(r) })
			seen |= 1 << 18
		case "balances":
			e.Balances = jsoncodec.ReadEnumMap[Currency](r, func(r *jsoncodec.Reader, v *int64) { *v = r.Int64() })
			seen |= 1 << 19
		case "shelves":
			e.Shelves = jsoncodec.ReadIntMap[Shelf](r, func(r *jsoncodec.Reader, v *map[Serial][]SKU) {
				*v = jsoncodec.ReadUintMap[Serial](r, func(r *jsoncodec.Reader, v *[]SKU) {
					*v = jsoncodec.ReadList(r, func(r *jsoncodec.Reader, v *SKU) { *v = SKU(r.String()) })
				})
			})
			seen |= 1 << 20
		default:
			r.Skip()
		}
	}
	if seen != 1<<21-1 {
		r.Missing(seen, "text", "flag", "int", "int32", "int64", "uint32", "uint64", "float", "bytes", "time",
			"duration", "id", "day", "currency", "weight", "lines", "days", "gaps", "named", "balances", "shelves")
	}
}

func (e *Everything) AppendJSON(b []byte) ([]byte, error) {
	w := jsoncodec.NewWriter(b)
	e.writeJSON(&w)
	return w.Finish("Everything")
}

func (e *Everything) DecodeJSON(data []byte, strings jsoncodec.Strings) error {
	r := jsoncodec.NewReader(data, strings)
	e.readJSON(&r)
	return r.Finish("Everything")
}

// Reply is a type that holds itself, through a list.
type Reply struct {
	Replies []Reply `json:"replies"`
}

func (v *Reply) writeJSON(w *jsoncodec.Writer) {
	w.Raw(`{"replies":`)
	jsoncodec.WriteList(w, v.Replies, func(w *jsoncodec.Writer, v *Reply) { v.writeJSON(w) })
	w.Raw(`}`)
}

func (v *Reply) readJSON(r *jsoncodec.Reader) {
	var seen uint64
	for r.Object(); r.Field(); {
		switch string(r.Name()) {
		case "replies":
			v.Replies = jsoncodec.ReadList(r, func(r *jsoncodec.Reader, v *Reply) { v.readJSON(r) })
			seen |= 1 << 0
		default:
			r.Skip()
		}
	}
	if seen != 1<<1-1 {
		r.Missing(seen, "replies")
	}
}

func (v *Reply) AppendJSON(b []byte) ([]byte, error) {
	w := jsoncodec.NewWriter(b)
	v.writeJSON(&w)
	return w.Finish("Reply")
}

func (v *Reply) DecodeJSON(data []byte, strings jsoncodec.Strings) error {
	r := jsoncodec.NewReader(data, strings)
	v.readJSON(&r)
	return r.Finish("Reply")
}
