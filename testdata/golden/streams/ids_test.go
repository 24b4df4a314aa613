package streams

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	memorysink "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// open starts the context over a log, as a process does that starts.
func open(t *testing.T, log aggregate.Store) *App {
	t.Helper()
	app, err := New(t.Context(), log, memorysink.New(), Deciders{}, Projections{})
	require.NoError(t, err)
	t.Cleanup(app.Close)
	return app
}

var night = cqrs.Date{Year: 2026, Month: time.March, Day: 1}

func allotment(hotel, tag string) AllotmentID {
	return AllotmentID{Hotel: HotelID(hotel), RoomType: RoomTypeDouble, Night: night, Floor: -2, Tag: tag}
}

// hostile are parts of ids that could be taken for the parts beside them.
var hostile = []string{"", "a", "/", "~", "~1", "a/b", "/double/", "日本", "'; --", strings.Repeat("x", 100)}

func TestAnIDOfSeveralPartsNamesAStreamOfItsOwn(t *testing.T) {
	log := memory.New()
	app, ctx := open(t, log), t.Context()
	streams := 0
	for i, hotel := range hostile {
		for j, tag := range hostile {
			_, err := app.Allotment.Allot(ctx, allotment(hotel, tag), Allot{Rooms: 1 + i*len(hostile) + j})
			require.NoError(t, err)
			streams++
		}
	}
	again := open(t, log) // which folds the log from its start
	for i, hotel := range hostile {
		for j, tag := range hostile {
			id := allotment(hotel, tag)
			state, version, err := again.Allotment.Load(ctx, id)
			require.NoError(t, err)
			assert.Equal(t, cqrs.Version(1), version)
			assert.Equal(t, 1+i*len(hostile)+j, state.Free, "%q %q", hotel, tag)
			read, err := ParseAllotmentID(id.String())
			require.NoError(t, err)
			assert.Equal(t, id, read)
		}
	}
	assert.Equal(t, 100, streams)
}

func TestTheTextOfAnIDIsReadStrictly(t *testing.T) {
	assert.Equal(t, "ritz/double/2026-03-01/-2/quiet", allotment("ritz", "quiet").String())
	for _, text := range []string{
		"", "ritz", "ritz/double/2026-03-01/-2", "ritz/double/2026-03-01/-2/quiet/", "ritz/triple/2026-03-01/-2/quiet",
		"ritz/double/2026-3-1/-2/quiet", "ritz/double/2026-03-01/02/quiet", "ritz/double/2026-03-01/2147483648/quiet",
		"ri~tz/double/2026-03-01/-2/quiet",
	} {
		_, err := ParseAllotmentID(text)
		require.ErrorAs(t, err, new(*cqrs.DecodingError), "%q", text)
	}
}

func TestWhatIsWrongInAnIDIsReportedUnderItsPart(t *testing.T) {
	app := open(t, memory.New())
	id := allotment("ritz", "a\x00b")
	id.RoomType, id.Night = "triple", cqrs.Date{Year: 2026, Month: 2, Day: 30}
	_, err := app.Allotment.Allot(t.Context(), id, Allot{Rooms: 0})
	var invalid *cqrs.ValidationError
	require.ErrorAs(t, err, &invalid)
	var paths []string
	for _, f := range invalid.Fields {
		paths = append(paths, f.Path)
	}
	assert.Equal(t, []string{"id.roomType", "id.night", "id.tag", "rooms"}, paths)
	_, err = app.Allotment.Allot(t.Context(), allotment("line\nbreak", ""), Allot{Rooms: 1})
	require.ErrorAs(t, err, new(*cqrs.InvalidStreamError), "no engine stores a control character in an id")
}

func TestAProjectionTakesItsKeyFromThePartsOfAnID(t *testing.T) {
	app, ctx := open(t, memory.New()), t.Context()
	for _, tag := range hostile {
		_, err := app.Allotment.Allot(ctx, allotment("a/b", tag), Allot{Rooms: 5})
		require.NoError(t, err)
	}
	r, err := app.Allotment.Take(ctx, allotment("a/b", "~1"), Take{})
	require.NoError(t, err)
	running(t, app)
	row, _, err := app.Nights.Get(ctx, NightsKey{Hotel: "a/b", Night: night, Tag: "~1"}, cqrs.AtLeast(r.Position))
	require.NoError(t, err)
	assert.Equal(t, NightsRow{Free: 4, Rooms: 5}, row)
}

func TestAnAggregateThatIsSingleHasOneStreamAndNoID(t *testing.T) {
	log := memory.New()
	app, ctx := open(t, log), t.Context()
	_, err := app.Settings.RaiseLimit(ctx, RaiseLimit{})
	var notFound *cqrs.NotFoundError
	require.ErrorAs(t, err, &notFound)
	assert.Equal(t, cqrs.StreamID{Category: "Settings", ID: "single"}, notFound.Stream)
	_, err = app.Settings.InitLimit(ctx, InitLimit{})
	require.NoError(t, err)
	_, err = app.Settings.InitLimit(ctx, InitLimit{})
	require.ErrorAs(t, err, new(*cqrs.AlreadyExistsError))
	_, err = app.Settings.SetLimit(ctx, SetLimit{Limit: 6, Like: cqrs.Some(allotment("a/b", "~"))})
	require.NoError(t, err)
	_, err = app.Settings.RaiseLimit(ctx, RaiseLimit{})
	require.NoError(t, err)
	app.Close()
	state, version, err := open(t, log).Settings.Load(ctx)
	require.NoError(t, err)
	assert.Equal(t, SettingsState{Limit: 7}, state)
	assert.Equal(t, cqrs.Version(3), version)
}

func TestAnEnumInAnIDOutlivesTheTextThatItWasReadFrom(t *testing.T) {
	text := []byte(allotment("ritz", "a").String())
	id, err := ParseAllotmentID(unsafe.String(&text[0], len(text)))
	require.NoError(t, err)
	clear(text)
	assert.Equal(t, RoomTypeDouble, id.RoomType)
}
