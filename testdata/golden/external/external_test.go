package external

import (
	"encoding/json"
	"math"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/testdata/golden/external/money"
	"github.com/cqrsgen/cqrsgen/testdata/golden/external/time"
)

func slot(t *testing.T) time.Slot {
	t.Helper()
	var s time.Slot
	require.NoError(t, s.UnmarshalText([]byte("9-17")))
	return s
}

func TestValuesOfGoTypesSurviveTheCodec(t *testing.T) {
	want := HostAdded{
		Addr: netip.MustParseAddr("fe80::1%eth0"), Note: json.RawMessage(`{"a":["<b>",1]}`),
		Contract: cqrs.Some(Contract{Price: money.Amount{Minor: math.MinInt64, Currency: "€\\ufffd"}, Slot: cqrs.Some(slot(t))}),
	}
	want.Since = want.Since.AddDate(2025, 0, 0)
	data, err := want.AppendJSON(nil)
	require.NoError(t, err)

	var got, std HostAdded
	require.NoError(t, got.DecodeJSON(data, jsoncodec.ViewStrings))
	require.NoError(t, json.Unmarshal(data, &std), "encoding/json reads the same")
	clear(data)
	assert.Equal(t, want, got, "nothing of it is part of the data")
	assert.Equal(t, want, std)
}

func TestWhatAGoTypeRefusesIsAnErrorOfTheField(t *testing.T) {
	var moved HostMoved
	err := moved.DecodeJSON([]byte(`{"addr":"10.0.0.1","networks":["10.0.0.0/8","x"]}`), jsoncodec.CopyStrings)
	var decoding *cqrs.DecodingError
	require.ErrorAs(t, err, &decoding)
	assert.Equal(t, "networks[1]", decoding.Field)

	moved = HostMoved{Price: cqrs.Some(money.Amount{Currency: "\xff"})}
	_, err = moved.AppendJSON(nil)
	var encoding *cqrs.EncodingError
	require.ErrorAs(t, err, &encoding)
	assert.Equal(t, "price", encoding.Field)

	added := HostAdded{Note: json.RawMessage(`{"a":`)}
	_, err = added.AppendJSON(nil)
	require.ErrorAs(t, err, &encoding)
	assert.Equal(t, "note", encoding.Field)
}

func TestGoTypesLiveInStatesSnapshotsAndRows(t *testing.T) {
	store, rows := enginememory.New(), memory.New()
	defer func() { require.NoError(t, store.Close()) }()
	app := func() *App {
		app, err := New(t.Context(), store, rows, Deciders{})
		require.NoError(t, err)
		return app
	}
	a := app()
	_, err := a.Host.AddHost(t.Context(), "h", AddHost{
		Addr: netip.MustParseAddr("10.0.0.1"), Note: json.RawMessage(`1`),
		Contract: cqrs.Some(Contract{Price: money.Amount{Minor: 5, Currency: "EUR"}}),
	})
	require.NoError(t, err)
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, last := range []string{"10.0.0.2", "10.0.0.3"} {
		_, err = a.Host.MoveHost(t.Context(), "h", MoveHost{Addr: netip.MustParseAddr(last), Networks: networks})
		require.NoError(t, err)
	}
	a.Close()

	a = app()
	defer a.Close()
	_, err = a.Host.MoveHost(t.Context(), "h", MoveHost{Addr: netip.MustParseAddr("10.0.0.4"), Networks: networks})
	require.NoError(t, err, "the snapshot has a slot that was never set")
	for _, p := range a.Projectors() {
		require.NoError(t, p.CatchUp(t.Context()))
	}
	row, _, err := a.Hosts.Get(t.Context(), HostsKey{Host: "h"})
	require.NoError(t, err)
	assert.Equal(t, HostsRow{Addr: netip.MustParseAddr("10.0.0.4"), Networks: networks}, row)
}
