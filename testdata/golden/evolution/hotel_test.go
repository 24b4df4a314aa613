package hotel

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrstest"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

func TestEventsAreStoredWithTheVersionOfTheirFields(t *testing.T) {
	log, ctx := enginememory.New(), t.Context()
	keys := aggregate.WithKeys(cqrstest.Keys())
	app, err := New(ctx, log, memory.New(), Deciders{}, Projections{}, keys)
	require.NoError(t, err)
	_, err = app.Booking.Book(ctx, "b-1", Book{Adults: 2})
	require.NoError(t, err)
	_, err = app.Booking.Cancel(ctx, "b-1", Cancel{})
	require.NoError(t, err)
	app.Close()

	versions := map[string]int{}
	for rec, err := range log.ReadStream(ctx, cqrs.StreamID{Category: "Booking", ID: "b-1"}, 0) {
		require.NoError(t, err)
		versions[rec.Type] = rec.SchemaVersion
	}
	assert.Equal(t, map[string]int{"RoomBooked": 4, "Cancelled": 1}, versions)

	// What was stored is read again by a process that has it from the log alone.
	app, err = New(ctx, log, memory.New(), Deciders{}, Projections{}, keys)
	require.NoError(t, err)
	defer app.Close()
	state, _, err := app.Booking.Load(ctx, "b-1")
	require.NoError(t, err)
	assert.Equal(t, BookingState{Guests: 2, Cancelled: true}, state)
}

// stored is an event as a log has it.
func stored(typ string, version int, data string) *cqrs.Record {
	return &cqrs.Record{Type: typ, SchemaVersion: version, ContentType: cqrs.JSON, Data: []byte(data)}
}

func date(text string) cqrs.Date {
	d, err := cqrs.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

func TestOlderEventsAreReadAsToday(t *testing.T) {
	imported := cqrs.SetOf("old", "imported")
	for _, c := range []struct {
		version int
		data    string
		want    Booked
	}{
		{1, `{"guests":2,"room":7,"comment":"late"}`, Booked{Adults: 2, Source: SourceUnknown, Tags: imported}},
		{1, `{"adults":3,"guests":2,"note":"of another time"}`, Booked{Adults: 2, Source: SourceUnknown, Tags: imported}},
		{2, `{"adults":2,"children":1,"room":7}`, Booked{Adults: 2, Children: 1, Source: SourceUnknown, Tags: imported}},
		{3, `{"adults":2,"children":1,"source":"phone","address":{"street":"x"},"tags":["a"],"note":"not yet"}`,
			Booked{Adults: 2, Children: 1, Source: SourcePhone, Address: Address{Street: "x"}, Tags: cqrs.SetOf("a")}},
		{4, `{"adults":2,"children":1,"source":"phone","address":{"street":"x"},"tags":["a"],"note":"late"}`,
			Booked{Adults: 2, Children: 1, Source: SourcePhone, Address: Address{Street: "x"}, Tags: cqrs.SetOf("a"), Note: cqrs.Some("late")}},
	} {
		var e Booked
		require.NoError(t, e.DecodeRecord(stored("RoomBooked", c.version, c.data), jsoncodec.CopyStrings))
		assert.Equal(t, c.want, e, "version %d", c.version)
	}
}

func TestWhatOlderEventsMustHaveIsAskedFor(t *testing.T) {
	for version, data := range map[int]string{1: `{"adults":2}`, 2: `{"adults":2,"guests":1}`, 4: `{"adults":2,"children":1}`} {
		var e Booked
		var wrong *cqrs.DecodingError
		err := e.DecodeRecord(stored("RoomBooked", version, data), jsoncodec.CopyStrings)
		require.ErrorAs(t, err, &wrong, "version %d", version)
		assert.Contains(t, err.Error(), "is missing")
	}
}

func TestUpcastersAndDeclaredStepsAreAChain(t *testing.T) {
	for version, data := range map[int]string{
		1: `{"sum":250,"coin":"gold","card":true}`,
		2: `{"cents":250,"coin":"gold","card":true}`,
		3: `{"total":250,"coin":"gold","card":true}`,
		4: `{"total":250,"currency":"EUR","card":true}`,
		5: `{"amount":{"amount":250,"currency":"EUR"},"from":"web"}`,
		6: `{"amount":{"amount":250,"currency":"EUR"},"from":"web","tip":0}`,
		7: `{"amount":{"amount":250,"currency":"EUR"},"by":"web","tip":0}`,
	} {
		var e Paid
		require.NoError(t, e.DecodeRecord(stored("Paid", version, data), jsoncodec.CopyStrings))
		assert.Equal(t, Paid{Amount: Money{250, CurrencyEUR}, By: SourceWeb}, e, "version %d", version)
	}
	for version, data := range map[int]string{1: `{"day":"24.12.2026"}`, 2: `{"day":"2026-12-24"}`, 3: `{"to":"2026-12-24"}`} {
		var e Moved
		require.NoError(t, e.DecodeRecord(stored("Moved", version, data), jsoncodec.CopyStrings))
		assert.Equal(t, Moved{To: date("2026-12-24")}, e, "version %d", version)
	}
}

func TestAnEventThatAnUpcasterRefusesStopsItsReaders(t *testing.T) {
	var refused *cqrs.UpcastError
	err := (&bookingFold{}).Apply(&BookingState{}, stored("Moved", 1, `{"day":"soon"}`))
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "Moved", refused.Type)
	assert.Equal(t, 1, refused.Version)
	require.ErrorAs(t, (&arrivalsProjection{}).fold(nil, stored("Moved", 1, `{"day":"soon"}`)), &refused)
	require.ErrorAs(t, (&bookingFold{}).Apply(&BookingState{}, stored("Paid", 1, `{"sum":-1,"coin":"","card":false}`)), &refused)
	assert.Equal(t, 2, refused.Version, "that of the step")
}

func TestANewerEventIsATypedErrorThatSaysWhatIsKnown(t *testing.T) {
	for _, encoding := range []cqrs.ContentType{cqrs.JSON, cqrs.JSONFrom(5)} {
		rec := stored("RoomBooked", 6, `{"adults":2,"children":1,"source":"web","address":{"street":""},"tags":[],"new":{"x":[]}}`)
		rec.ContentType = encoding
		var newer *cqrs.NewerEventError
		require.ErrorAs(t, (&bookingFold{}).Apply(&BookingState{}, rec), &newer)
		assert.Equal(t, "RoomBooked", newer.Type)
		assert.Equal(t, 6, newer.SchemaVersion)
		assert.Equal(t, 4, newer.Known)
		require.ErrorAs(t, (&arrivalsProjection{}).fold(nil, rec), &newer)
		// Once it is known that the newer version only added, it is read.
		rec.ContentType = cqrs.JSONFrom(4)
		state := BookingState{}
		require.NoError(t, (&bookingFold{}).Apply(&state, rec))
		assert.Equal(t, int64(3), state.Guests)
	}
	var unknown *cqrs.UnknownEventError
	require.ErrorAs(t, (&bookingFold{}).Apply(&BookingState{}, stored("Booked", 4, `{}`)), &unknown, "the name in the log is another one")
}

func TestEventsSayFromWhichVersionOnTheyAreRead(t *testing.T) {
	assert.Equal(t, cqrs.JSONFrom(3), cqrs.ContentTypeOf(&Booked{}))
	assert.Equal(t, cqrs.JSON, cqrs.ContentTypeOf(&Moved{}))
	assert.Equal(t, cqrs.JSON, cqrs.ContentTypeOf(&Cancelled{}))
}

func TestVersionsAreThoseOfTheModel(t *testing.T) {
	for want, e := range map[int]cqrs.Event{4: &Booked{}, 7: &Paid{}, 3: &Moved{}, 1: &Cancelled{}} {
		assert.Equal(t, want, cqrs.VersionOf(e))
	}
}
