package hotel

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

func TestEventsAreStoredWithTheVersionOfTheirFields(t *testing.T) {
	log, ctx := enginememory.New(), t.Context()
	app, err := New(ctx, log, memory.New(), Deciders{}, Projections{})
	require.NoError(t, err)
	_, err = app.Booking.Book(ctx, "b-1", Book{Adults: 2})
	require.NoError(t, err)
	_, err = app.Booking.Cancel(ctx, "b-1", Cancel{})
	require.NoError(t, err)
	app.Close()

	stored := map[string]int{}
	for rec, err := range log.ReadStream(ctx, cqrs.StreamID{Category: "Booking", ID: "b-1"}, 0) {
		require.NoError(t, err)
		stored[rec.Type] = rec.SchemaVersion
	}
	assert.Equal(t, map[string]int{"RoomBooked": 4, "Cancelled": 1}, stored)

	// What was stored is read again by a process that has it from the log alone.
	app, err = New(ctx, log, memory.New(), Deciders{}, Projections{})
	require.NoError(t, err)
	defer app.Close()
	state, _, err := app.Booking.Load(ctx, "b-1")
	require.NoError(t, err)
	assert.Equal(t, BookingState{Guests: 2, Cancelled: true}, state)
}

func record(typ string, version int, e cqrs.Event) *cqrs.Record {
	data, _ := e.AppendJSON(nil)
	return &cqrs.Record{Type: typ, SchemaVersion: version, ContentType: cqrs.JSON, Data: data}
}

func TestAnotherVersionThanTodaysIsATypedErrorThatNamesIt(t *testing.T) {
	booked := &Booked{Adults: 1, Source: SourceWeb}
	for _, version := range []int{1, 3, 5} {
		var unknown *cqrs.UnknownEventError
		err := (&bookingFold{}).Apply(&BookingState{}, record("RoomBooked", version, booked))
		require.ErrorAs(t, err, &unknown)
		assert.Equal(t, "RoomBooked", unknown.Type)
		assert.Equal(t, version, unknown.SchemaVersion)
		require.ErrorAs(t, (&arrivalsProjection{}).fold(nil, record("RoomBooked", version, booked)), &unknown)
	}
	require.NoError(t, (&bookingFold{}).Apply(&BookingState{}, record("RoomBooked", 4, booked)))
	require.Error(t, (&bookingFold{}).Apply(&BookingState{}, record("Cancelled", 2, &Cancelled{})))
	require.Error(t, (&bookingFold{}).Apply(&BookingState{}, record("Booked", 4, booked)), "the name in the log is another one")
}

func TestVersionsAreThoseOfTheModel(t *testing.T) {
	for want, e := range map[int]cqrs.Event{4: &Booked{}, 3: &Moved{}, 1: &Cancelled{}} {
		assert.Equal(t, want, cqrs.VersionOf(e))
	}
}
