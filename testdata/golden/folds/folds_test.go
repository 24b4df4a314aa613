package folds

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/checked"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// board is one board in a log. It is not safe for concurrent use: the deciders do what it tells them.
type board struct {
	t     *testing.T
	store *memory.Log
	app   *App
}

// opened returns a board that is open.
func opened(t *testing.T) *board {
	t.Helper()
	b := &board{t: t, store: memory.New()}
	b.restart()
	t.Cleanup(func() { assert.NoError(t, b.store.Close()) })
	_, err := b.app.Board.Open(t.Context(), "b", Open{Title: " T ", Mood: MoodBusy, Price: cqrs.MustDecimal("1.5")},
		cqrs.WithActor("ada"))
	require.NoError(t, err)
	return b
}

// restart forgets all but what is stored.
func (b *board) restart() {
	b.t.Helper()
	b.app = New(b.store, Deciders{})
	b.t.Cleanup(b.app.Close)
}

// try lets events happen.
func (b *board) try(events DoResult) error {
	b.t.Helper()
	script = func(BoardState) DoResult { return events }
	_, err := b.app.Board.Do(b.t.Context(), "b", Do{User: "ada"})
	return err
}

// do lets events happen, and returns the state, which is the same by the kept state, a snapshot and the whole history.
func (b *board) do(events DoResult) BoardState {
	b.t.Helper()
	require.NoError(b.t, b.try(events))
	var kept BoardState
	script = func(s BoardState) DoResult {
		kept = s
		return DoResult{}
	}
	_, err := b.app.Board.Do(b.t.Context(), "b", Do{User: "ada"})
	require.NoError(b.t, err)
	b.restart()
	folded, _, err := b.app.Board.Load(b.t.Context(), "b", aggregate.WithoutSnapshot())
	require.NoError(b.t, err)
	loaded, _, err := b.app.Board.Load(b.t.Context(), "b")
	require.NoError(b.t, err)
	assert.Equal(b.t, folded, kept)
	assert.Equal(b.t, text(b.t, folded), text(b.t, loaded))
	return folded
}

// text is a state as snapshots have it, in which an empty list is none.
func text(t *testing.T, s BoardState) string {
	t.Helper()
	b, err := appendBoardState(nil, &s)
	require.NoError(t, err)
	return string(b)
}

func TestFieldsTakeWhatTheEventAndItsMetaSay(t *testing.T) {
	b := opened(t)
	s := b.do(DoResult{})
	assert.Equal(t, "T", s.Title)
	assert.True(t, s.Open)
	assert.Equal(t, "ada", s.OpenedBy)
	assert.WithinDuration(t, time.Now(), s.Opened, time.Hour)
	assert.Equal(t, MoodBusy, s.Mood)
	assert.Equal(t, Money{Mood: MoodBusy}, s.Money)
	assert.Equal(t, "1.5", s.Price.String())
}

func TestAFoldInGoStandsBesideDeclaredOnes(t *testing.T) {
	b := opened(t)
	_, err := b.app.Board.Close(t.Context(), "b", Close{Reason: "enough"})
	require.NoError(t, err)
	require.ErrorIs(t, b.try(DoResult{}), Closed{})
}

func TestAnEventThatChangesNothingIsStored(t *testing.T) {
	b := opened(t)
	before := b.do(DoResult{})
	assert.Equal(t, before, b.do(DoResult{Noticed: []Noticed{{What: "a bird"}}}))
	_, version, err := b.app.Board.Load(t.Context(), "b")
	require.NoError(t, err)
	assert.Equal(t, cqrs.Version(2), version)
}

func TestAllValuesAreThoseFromBeforeTheEvent(t *testing.T) {
	b := opened(t)
	b.do(DoResult{Counted: []Counted{{By: 2, Amount: 5}}})
	s := b.do(DoResult{Counted: []Counted{{By: 3, Amount: 7}}})
	assert.Equal(t, int32(5), s.Count)
	assert.Equal(t, int64(7*2), s.Total, "with the count from before")
	assert.Equal(t, cqrs.Some(int64(0)), s.Last, "the total from before")
	assert.Equal(t, Cents(12), s.Money.Amount)
	assert.Equal(t, 0.0, s.Ratio)
	s = b.do(DoResult{Turned: []Turned{{History: []string{"a"}}, {History: []string{"b", "c"}}}})
	assert.Equal(t, []string{"a"}, s.History)
	assert.Equal(t, []string{"b", "c"}, s.Previous)
}

func TestArithmeticThatFailsRefusesTheEvent(t *testing.T) {
	b := opened(t)
	before := b.do(DoResult{Counted: []Counted{{By: 1, Amount: 1}, {By: 1, Amount: math.MaxInt64 - 1}}})
	for name, c := range map[string]struct {
		events DoResult
		reason error
		fault  checked.Error
	}{
		"a sum": {
			DoResult{Counted: []Counted{{By: math.MaxInt32}}}, checked.ErrOverflow,
			checked.Error{Field: "count", Op: "2 + 2147483647", Type: "int32"},
		},
		"a product": {
			DoResult{Counted: []Counted{{Amount: math.MaxInt64}}}, checked.ErrOverflow,
			checked.Error{Field: "total", Op: "9223372036854775807 * 2", Type: "int64"},
		},
		"a field of a struct": {
			DoResult{Counted: []Counted{{By: -2}, {Amount: 1}}}, checked.ErrOverflow,
			checked.Error{Field: "money.amount", Op: "9223372036854775807 + 1", Type: "folds.Cents"},
		},
		"a quotient": {
			DoResult{Divided: []Divided{{By: 0}}}, checked.ErrDivideByZero,
			checked.Error{Field: "total", Op: "9223372036854775806 / 0", Type: "int64"},
		},
		"too many days": {
			DoResult{StayPlanned: []StayPlanned{{Stay: Stay{Arrival: day(0, 1, 1), Departure: day(9999, 1, 1)}}}},
			checked.ErrOverflow, checked.Error{Field: "days", Op: "days(0000-01-01, 9999-01-01)", Type: "[]cqrs.Date"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := b.try(c.events)
			require.ErrorIs(t, err, c.reason)
			var fault *checked.Error
			require.ErrorAs(t, err, &fault)
			c.fault.Err = c.reason
			assert.Equal(t, c.fault, *fault)
			require.ErrorAs(t, err, new(*aggregate.ApplyError))
			assert.Equal(t, before, b.do(DoResult{}), "nothing was stored")
		})
	}
}

func day(year int, month time.Month, d int) cqrs.Date {
	return cqrs.Date{Year: year, Month: month, Day: d}
}

func TestEntriesOfMapsAndSetsComeAndGo(t *testing.T) {
	b := opened(t)
	booked := Booked{Mood: MoodCalm, Amount: 5}
	s := b.do(DoResult{Booked: []Booked{booked, booked, {Mood: MoodBusy, Amount: 1}}})
	assert.Equal(t, map[Mood]int64{MoodCalm: 10, MoodBusy: 1}, s.Balances)
	assert.Equal(t, map[User]map[Mood]int64{"all": {MoodCalm: 10, MoodBusy: 1}}, s.Nested)
	assert.Equal(t, map[User]cqrs.Set[Mood]{"all": cqrs.SetOf(MoodCalm, MoodBusy)}, s.Fans)

	added := CommentAdded{ID: "c", Text: "x", Author: "ada"}
	s = b.do(DoResult{CommentAdded: []CommentAdded{added}, MemberLeft: []MemberLeft{{User: "bob", Mood: MoodCalm}}})
	assert.Equal(t, cqrs.SetOf[User]("ada"), s.Members)
	assert.Equal(t, map[User]cqrs.Set[Mood]{"all": cqrs.SetOf(MoodBusy)}, s.Fans)
	s = b.do(DoResult{MemberLeft: []MemberLeft{{User: "ada", Mood: MoodType}, {User: "ada", Mood: MoodType}}})
	assert.Empty(t, s.Members)
}

func TestRemovingWhatIsNotThereChangesNothing(t *testing.T) {
	b := opened(t)
	before := b.do(DoResult{})
	s := b.do(DoResult{MemberLeft: []MemberLeft{{User: "nobody", Mood: MoodCalm}}})
	assert.Equal(t, before, s)
}

func TestFieldsOfAMapsStructAreChangedTogether(t *testing.T) {
	b := opened(t)
	s := b.do(DoResult{
		CommentAdded:  []CommentAdded{{ID: "c", Text: "first", Author: "ada", Likes: cqrs.SetOf[User]("eve")}},
		CommentEdited: []CommentEdited{{ID: "c", Text: "second", Day: day(2026, 3, 1)}, {ID: "c", Text: "third", Day: day(2026, 3, 2)}},
		CommentLiked:  []CommentLiked{{ID: "c", By: "bob"}, {ID: "unknown", By: "bob"}},
	})
	assert.Equal(t, Comment{
		Text: "third", Author: "ada", Likes: cqrs.SetOf[User]("eve", "bob"), Edits: []string{"first", "second"},
		Pinned: cqrs.Some(day(2026, 3, 2)),
	}, s.Comments["c"])
	assert.Equal(t, Comment{Likes: cqrs.SetOf[User]("bob")}, s.Comments["unknown"], "the zero value, changed")
	assert.Equal(t, int32(1), s.Count, "likes from before the event")
}

func TestWhatIsCopiedSharesNothing(t *testing.T) {
	b := opened(t)
	add := CommentAdded{ID: "c", Text: "one", Author: "ada", Likes: cqrs.SetOf[User]("eve"), Edits: []string{"zero"}}
	archived := []CommentArchived{{ID: "c"}}
	b.do(DoResult{CommentAdded: []CommentAdded{add}})
	s := b.do(DoResult{CommentArchived: archived})
	assert.Empty(t, s.Comments)
	first := s.Archive["c"]
	assert.Equal(t, Comment{Text: "one", Author: "ada", Likes: cqrs.SetOf[User]("eve"), Edits: []string{"zero"}}, first)

	add.ID = "d"
	for _, text := range []string{"a", "b", "c"} { // so that the list of edits has room to grow
		edited := CommentEdited{ID: "d", Text: text, Day: day(2026, 3, 1)}
		b.do(DoResult{CommentAdded: []CommentAdded{add}, CommentEdited: []CommentEdited{edited, edited, edited}})
	}
	s = b.do(DoResult{CommentCopied: []CommentCopied{{ID: "d", As: "e"}}})
	edits := s.Comments["d"].Edits
	for _, id := range []CommentID{"d", "e"} {
		s = b.do(DoResult{
			CommentEdited: []CommentEdited{{ID: id, Text: string(id), Day: day(2026, 3, 2)}, {ID: id, Text: "x", Day: day(2026, 3, 2)}},
			CommentLiked:  []CommentLiked{{ID: id, By: User(id)}},
		})
	}
	assert.Equal(t, cqrs.SetOf[User]("eve", "d"), s.Comments["d"].Likes)
	assert.Equal(t, cqrs.SetOf[User]("eve", "e"), s.Comments["e"].Likes)
	assert.Equal(t, append(slices.Clip(edits), "c", "d"), s.Comments["d"].Edits)
	assert.Equal(t, append(slices.Clip(edits), "c", "e"), s.Comments["e"].Edits)
}

func TestAListThatGoesToAnotherPlaceDoesNotGrowThere(t *testing.T) {
	s := BoardState{History: make([]string, 0, 8), Previous: make([]string, 0, 8)}
	applyTurned(&s, &Turned{History: []string{"a"}})
	applyTurned(&s, &Turned{History: []string{"b"}})
	history := s.History
	applyCommentAdded(&BoardState{Comments: map[CommentID]Comment{}, History: s.History}, &CommentAdded{Text: "x"})
	applyTurned(&s, &Turned{History: []string{"c"}})
	s.Previous = append(s.Previous, "spoiled")
	s.Previous[0] = "spoiled"
	assert.Equal(t, []string{"a"}, history)
	assert.Equal(t, []string{"b"}, s.History)
}

func TestMapsThatAreReplacedCanBeWrittenTo(t *testing.T) {
	b := opened(t)
	s := b.do(DoResult{Replaced: []Replaced{{}}})
	assert.Empty(t, s.Balances)
	s = b.do(DoResult{Booked: []Booked{{Mood: MoodCalm, Amount: 1}}})
	assert.Equal(t, map[Mood]int64{MoodCalm: 1}, s.Balances)
	applyReplaced(&s, &Replaced{}) // as a fold of a test may be called
	require.NoError(t, applyBooked(&s, &Booked{Mood: MoodCalm, Amount: 2}))
	assert.Equal(t, map[Mood]int64{MoodCalm: 2}, s.Balances)
}

func TestOptionalsAreGivenAndCleared(t *testing.T) {
	b := opened(t)
	due := Due(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC))
	stay := Stay{Arrival: day(2026, 2, 27), Departure: day(2026, 3, 2), Guests: 1, Rooms: 1}
	s := b.do(DoResult{Counted: []Counted{{By: 1}}, StayPlanned: []StayPlanned{{Stay: stay, Due: cqrs.Some(due)}}})
	assert.Equal(t, cqrs.Some(stay), s.Stay)
	assert.Equal(t, cqrs.Some(due), s.Due)
	assert.Equal(t, []cqrs.Date{day(2026, 2, 27), day(2026, 2, 28), day(2026, 3, 1)}, s.Days)
	assert.False(t, s.Last.Present())
	s = b.do(DoResult{StayPlanned: []StayPlanned{{Stay: stay}}})
	assert.False(t, s.Due.Present())
}

func TestEventsTakeFromTheStateThatTheDeciderSaw(t *testing.T) {
	b := opened(t)
	b.do(DoResult{
		Counted:      []Counted{{By: 2, Amount: 3}, {By: 1, Amount: 4}},
		CommentAdded: []CommentAdded{{ID: "c", Text: "x", Author: "ada"}},
	})
	_, err := b.app.Board.Sum(t.Context(), "b", Sum{Note: "kept"})
	require.NoError(t, err)
	assert.Equal(t, Summed{Total: 8, Next: 4, Members: cqrs.SetOf[User]("ada"), Note: "kept"}, b.lastSummed())

	s := b.do(DoResult{Counted: []Counted{{By: 5}}, Summed: cqrs.Some(Summed{Note: "behind another event"})})
	assert.Equal(t, int32(5), b.lastSummed().Next, "the count before the command, and one")
	assert.Equal(t, int32(5), s.Count, "which the event's own apply took over")
}

// lastSummed is the newest event of its type, as it is stored.
func (b *board) lastSummed() Summed {
	b.t.Helper()
	var last Summed
	for rec, err := range b.store.ReadStream(b.t.Context(), cqrs.StreamID{Category: "Board", ID: "b"}, 1) {
		require.NoError(b.t, err)
		if rec.Type == "Summed" {
			last = Summed{}
			require.NoError(b.t, last.DecodeJSON(rec.Data, jsoncodec.CopyStrings))
		}
	}
	return last
}

func TestWhatCantBeFilledIsNotStored(t *testing.T) {
	b := opened(t)
	b.do(DoResult{Counted: []Counted{{By: math.MaxInt32}}})
	_, err := b.app.Board.Sum(t.Context(), "b", Sum{})
	require.ErrorIs(t, err, checked.ErrOverflow)
	assert.ErrorContains(t, err, "next: 2147483647 + 1 does not fit int32")
}

func TestRulesOverSeveralFieldsNameTheirPath(t *testing.T) {
	stay := Stay{Arrival: day(2026, 3, 2), Departure: day(2026, 3, 1), Guests: 5, Rooms: 1}
	err := Plan{Stay: stay, From: 3, To: 2}.Validate()
	var invalid *cqrs.ValidationError
	require.ErrorAs(t, err, &invalid)
	assert.Equal(t, []cqrs.FieldError{
		{Path: "stay.arrival", Message: "leaves before it arrives"},
		{Path: "stay.guests", Message: "does not fit the rooms"},
		{Path: "from", Message: "is longer than 10"},
	}, invalid.Fields)

	stay = Stay{Arrival: day(2026, 3, 1), Departure: day(2026, 3, 2), Guests: 4, Rooms: 1}
	require.NoError(t, Plan{Stay: stay, From: 1, To: 11}.Validate())
	require.Error(t, Plan{Stay: stay, From: 1, To: 12}.Validate())
	stay.Rooms = math.MaxInt32
	err = Plan{Stay: stay, From: math.MinInt64, To: math.MaxInt64}.Validate()
	require.True(t, errors.As(err, &invalid))
	assert.Equal(t, []cqrs.FieldError{
		{Path: "stay.guests", Message: "can't be checked: 4 * 2147483647 does not fit int32"},
		{Path: "from", Message: "can't be checked: 9223372036854775807 - -9223372036854775808 does not fit int64"},
	}, invalid.Fields)
}
