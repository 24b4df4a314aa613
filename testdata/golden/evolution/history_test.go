package hotel

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// seed is that of the environment, or another one each time.
func seed(t *testing.T) uint64 {
	n, err := strconv.ParseUint(os.Getenv("CQRSGEN_SEED"), 10, 64)
	if err != nil {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("CQRSGEN_SEED=%d", n)
	return n
}

// happening is an event in a version of its own, with what it means to the state, worked out apart from any decoder.
type happening struct {
	rec   *cqrs.Record
	means func(*BookingState)
}

// happen draws an event of any version.
func happen(r *rand.Rand) happening {
	n, day := r.Int64N(9), fmt.Sprintf("2026-12-%02d", 1+r.IntN(28))
	to := func(s *BookingState) { s.To = cqrs.Some(date(day)) }
	guests := func(s *BookingState) { s.Guests = n }
	paid := func(s *BookingState) { s.Paid += n }
	var notes []string
	for i := range r.IntN(4) {
		notes = append(notes, fmt.Sprint("note ", n, i))
	}
	text, _ := json.Marshal(append([]string{}, notes...))
	noted := func(s *BookingState) { s.Notes = append(s.Notes, notes...) }
	all := []happening{
		{stored("RoomBooked", 1, fmt.Sprintf(`{"room":1,"guests":%d,"comment":"x"}`, n)), guests},
		{stored("RoomBooked", 2, fmt.Sprintf(`{"adults":%d,"children":0,"guests":77}`, n)), guests},
		{stored("RoomBooked", 3, fmt.Sprintf(`{"adults":0,"children":%d,"source":"web","address":{"street":""},"tags":[]}`, n)), guests},
		{stored("RoomBooked", 4, fmt.Sprintf(`{"adults":%d,"children":0,"source":"web","address":{"street":""},"tags":[]}`, n)), guests},
		{stored("Moved", 1, fmt.Sprintf(`{"day":"%s.12.2026"}`, day[8:])), to},
		{stored("Moved", 2, fmt.Sprintf(`{"day":%q,"to":"1999-01-01"}`, day)), to},
		{stored("Moved", 3, fmt.Sprintf(`{"to":%q}`, day)), to},
		{stored("Paid", 1, fmt.Sprintf(`{"sum":%d,"coin":"x","card":true}`, n)), paid},
		{stored("Paid", 2, fmt.Sprintf(`{"cents":%d,"coin":"x","card":false}`, n)), paid},
		{stored("Paid", 3, fmt.Sprintf(`{"total":%d,"coin":"x","card":true}`, n)), paid},
		{stored("Paid", 4, fmt.Sprintf(`{"total":%d,"currency":"USD","card":true}`, n)), paid},
		{stored("Paid", 5, fmt.Sprintf(`{"amount":{"amount":%d,"currency":"USD"},"from":"web"}`, n)), paid},
		{stored("Paid", 6, fmt.Sprintf(`{"amount":{"amount":%d,"currency":"USD"},"from":"web","tip":3}`, n)), paid},
		{stored("Paid", 7, fmt.Sprintf(`{"amount":{"amount":%d,"currency":"USD"},"by":"web","tip":3}`, n)), paid},
		{stored("Changed", 1, fmt.Sprintf(`{"day":%q}`, day)), to},
		{stored("Changed", 2, fmt.Sprintf(`{"to":%q,"notes":%s}`, day, text)), func(s *BookingState) { to(s); noted(s) }},
		{stored("Changed", 2, fmt.Sprintf(`{"notes":%s}`, text)), noted},
		{stored("booking-annotated", 1, fmt.Sprintf(`{"note":"%d"}`, n)), func(s *BookingState) { s.Notes = append(s.Notes, fmt.Sprint(n)) }},
		{stored("Noted", 1, fmt.Sprintf(`{"text":"%d"}`, n)), func(s *BookingState) { s.Notes = append(s.Notes, fmt.Sprint(n)) }},
		{stored("Viewed", 1, `{"by":"x"}`), func(*BookingState) {}},
		{stored("Flagged", 1, `{"why":"x"}`), func(s *BookingState) { s.Flagged = true }},
	}
	h := all[r.IntN(len(all))]
	if h.rec.Type == "RoomBooked" && h.rec.SchemaVersion == 4 && r.IntN(2) == 0 {
		h.rec.SchemaVersion, h.rec.ContentType = 6, cqrs.JSONFrom(4) // of a release to come
	}
	return h
}

func TestHistoriesOfAllVersionsAddUpToWhatTheyMean(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	log := enginememory.New()
	app := open(t, log)
	want := map[BookingID]*BookingState{}
	notes := map[string]int64{}
	var last cqrs.Position
	for range 400 {
		id, h := BookingID(fmt.Sprint("b-", r.IntN(5))), happen(r)
		if want[id] == nil {
			want[id] = &BookingState{}
		}
		before := len(want[id].Notes)
		h.means(want[id])
		for _, text := range want[id].Notes[before:] {
			notes[text]++
		}
		last = history(t, log, string(id), h.rec)
	}
	for id, state := range want {
		got, _, err := app.Booking.Load(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, *state, got, id)
		arrival, _, err := app.Arrivals.Get(t.Context(), ArrivalsKey{id}, cqrs.AtLeast(last))
		if err == nil { // else it neither came nor moved
			assert.Equal(t, ArrivalsRow{Guests: state.Guests, Day: state.To}, arrival, id)
		}
	}
	for text, times := range notes {
		row, _, err := app.Notes.Get(t.Context(), NotesKey{text}, cqrs.AtLeast(last))
		require.NoError(t, err, text)
		assert.Equal(t, times, row.Times, text)
	}
}

func FuzzOlderEventsAreReadOrRefused(f *testing.F) {
	f.Add("RoomBooked", 1, []byte(`{"guests":2,"room":7}`))
	f.Add("Moved", 1, []byte(`{"day":"24.12.2026"}`))
	f.Add("Paid", 3, []byte(`{"total":250,"card":true}`))
	f.Add("Changed", 2, []byte(`{"to":"2026-12-24","notes":["a"]}`))
	f.Fuzz(func(t *testing.T, typ string, version int, data []byte) {
		rec := &cqrs.Record{Type: typ, SchemaVersion: max(1, version), ContentType: cqrs.JSON, Data: data}
		_ = (&bookingFold{}).Apply(&BookingState{}, rec) // an error, or none
		var e Paid
		if e.DecodeRecord(rec, jsoncodec.ViewStrings) != nil {
			return
		}
		// What was read is an event of today, which is written and read again.
		written, err := e.AppendJSON(nil)
		require.NoError(t, err)
		var again Paid
		require.NoError(t, again.DecodeJSON(written, jsoncodec.CopyStrings))
		require.Equal(t, e, again)
	})
}
