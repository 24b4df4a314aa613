package everything

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrstest"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	sink "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// What scenarios don't say: queries, rejections as Go types, and a fold that refuses.
func TestWhoIsExpected(t *testing.T) {
	ctx := t.Context()
	app, err := New(ctx, memory.New(), sink.New(), Deciders{}, Projections{}, aggregate.WithKeys(cqrstest.Keys()))
	require.NoError(t, err)
	defer app.Close()
	first := cqrs.Date{Year: 2026, Month: 3, Day: 1}
	nights := []cqrs.Date{first, {Year: 2026, Month: 3, Day: 2}}

	_, err = app.Settings.PublishSettings(ctx, PublishSettings{Open: true, Factor: 1, Owner: personal.Of("Eve")})
	require.NoError(t, err)
	for _, night := range nights {
		_, err = app.Allotment.Allot(ctx, AllotmentID{Hotel: "ritz", RoomType: RoomTypeDouble, Night: night}, Allot{Rooms: 1})
		require.NoError(t, err)
	}
	_, err = app.Guest.Register(ctx, "ada", Register{Languages: cqrs.SetOf("en")})
	require.NoError(t, err)

	request := RequestBooking{
		Guest: "ada", Hotel: "ritz", Room: RoomTypeDouble, Nights: nights,
		Stay: Stay{Arrival: first, Departure: cqrs.Date{Year: 2026, Month: 3, Day: 3}, Guests: 2},
	}
	booking := BookingID(uuid.New())
	_, err = app.Booking.RequestBooking(ctx, booking, request)
	require.NoError(t, err)
	_, err = app.Booking.RequestBooking(ctx, BookingID(uuid.New()), request)
	assert.Equal(t, FullyBooked{Night: first}, err)
	_, err = app.Booking.ConfirmBooking(ctx, booking, ConfirmBooking{Until: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	_, err = app.Booking.ConfirmBooking(ctx, booking, ConfirmBooking{Until: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)})
	assert.Equal(t, BookingNotInPhase{
		Command: "ConfirmBooking", Phase: BookingPhaseConfirmed, Allowed: []BookingPhase{BookingPhaseRequested},
	}, err)

	for _, p := range app.Projectors() {
		require.NoError(t, p.CatchUp(ctx))
	}
	rows, _, err := app.Arrivals.Expected(ctx, first)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	assert.Equal(t, booking, rows[0].Key.Booking)

	request.Stay.Departure = first
	_, err = app.Booking.RequestBooking(ctx, BookingID(uuid.New()), request)
	assert.ErrorContains(t, err, "leaves before it arrives")
	_, err = app.Allotment.Take(ctx, AllotmentID{Hotel: "ritz", RoomType: RoomTypeDouble, Night: first}, Take{})
	assert.ErrorContains(t, err, "free", "there is less than no room")
}
