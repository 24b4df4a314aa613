package types

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// valid is a value that keeps to every rule, with the least in it.
func valid() Everything {
	at, day := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), cqrs.Date{Year: 2026, Month: time.March, Day: 1}
	return Everything{
		Order:   Order{Lines: []Line{{Code: "A", Price: Money{Amount: 1, Color: ColorRED}, Quantity: 1}}},
		Scalars: Scalars{TimeValue: at, DateValue: day},
		Names: Names{
			CodeValue: "A-1", PortValue: 1, BlobValue: Blob("x"), InstantValue: Instant(at), DayValue: Day(day),
			ColorValue: ColorBLUE, PhaseValue: Phase0150,
		},
		Rules: Rules{
			Name: "n", Code: "AB", Data: []byte{1}, Uint32: 1, Uint64: 1, List: []string{""}, Lookup: map[string]int64{"": 0},
		},
	}
}

// faults returns what is wrong with a command, path and message.
func faults(t *testing.T, err error) map[string]string {
	t.Helper()
	if err == nil {
		return nil
	}
	var invalid *cqrs.ValidationError
	require.ErrorAs(t, err, &invalid)
	all := map[string]string{}
	for _, f := range invalid.Fields {
		all[f.Path] += f.Message
	}
	return all
}

func TestAValidCommandHasNoFaults(t *testing.T) {
	assert.Empty(t, faults(t, FillBox{Everything: valid()}.Validate()))
}

func TestEachViolationIsReportedWithItsPath(t *testing.T) {
	for _, tt := range []struct {
		path, message string
		change        func(*Everything)
	}{
		{"order.lines", "must have at least 1 item, has 0", func(e *Everything) { e.Order.Lines = nil }},
		{"order.lines[0].code", "", func(e *Everything) { e.Order.Lines[0].Code = "a" }},
		{"order.lines[0].price.amount", "must be at least 1, is 0", func(e *Everything) { e.Order.Lines[0].Price.Amount = 0 }},
		{"order.lines[0].price.color", `must be one of RED, GREEN, BLUE, is "PINK"`,
			func(e *Everything) { e.Order.Lines[0].Price.Color = "PINK" }},
		{"order.lines[0].tags[1]", "", func(e *Everything) { e.Order.Lines[0].Tags = []Code{"A", "-"} }},
		{"order.extra.quantity", "must be at least 1, is 0", func(e *Everything) {
			line := e.Order.Lines[0]
			line.Quantity = 0
			e.Order.Extra = cqrs.Some(line)
		}},
		{"order.byColor[RED][1].quantity", "must be at least 1, is -1", func(e *Everything) {
			line := e.Order.Lines[0]
			line.Quantity = -1
			e.Order.ByColor = map[Color][]cqrs.Optional[Line]{ColorRED: {{}, cqrs.Some(line)}}
		}},
		{"order.byColor[PINK]", `must be one of RED, GREEN, BLUE, is "PINK"`,
			func(e *Everything) { e.Order.ByColor = map[Color][]cqrs.Optional[Line]{"PINK": nil} }},
		{"scalars.stringValue", "", func(e *Everything) { e.Scalars.StringValue = "\xff" }},
		{"scalars.float64Value", "must be a finite number, is NaN", func(e *Everything) { e.Scalars.Float64Value = math.NaN() }},
		{"scalars.timeValue", "", func(e *Everything) { e.Scalars.TimeValue = time.Unix(0, 1).UTC() }},
		{"scalars.dateValue", "", func(e *Everything) { e.Scalars.DateValue = cqrs.Date{Year: 2026, Month: 2, Day: 30} }},
		{"optionalScalars.float64Value", "", func(e *Everything) { e.OptionalScalars.Float64Value = cqrs.Some(math.Inf(1)) }},
		{"scalarLists.gapsFloat64[1]", "", func(e *Everything) {
			e.ScalarLists.GapsFloat64 = []cqrs.Optional[float64]{{}, cqrs.Some(math.Inf(-1))}
		}},
		{"scalarMaps.toFloat64[k]", "", func(e *Everything) { e.ScalarMaps.ToFloat64 = map[string]float64{"k": math.NaN()} }},
		{"scalarMaps.fromLevel[6]", "must be at most 5, is 6", func(e *Everything) { e.ScalarMaps.FromLevel = map[Level]bool{6: true} }},
		{"names.ratioValue", "must be at most 0.5, is 0.75", func(e *Everything) { e.Names.RatioValue = 0.75 }},
		{"names.optPort", "must be at least 1, is 0", func(e *Everything) { e.Names.OptPort = cqrs.Some(Port(0)) }},
		{"names.listBlob[0]", "must have at least 1 byte, has 0", func(e *Everything) { e.Names.ListBlob = []Blob{{}} }},
		{"nested.matrix[2][1]", "must be a finite number, is NaN",
			func(e *Everything) { e.Nested.Matrix = [][]float64{{1}, {}, {0, math.NaN(), 0}} }},
		{"nested.cube[1][0][2]", `must be one of RED, GREEN, BLUE, is ""`,
			func(e *Everything) { e.Nested.Cube = [][][]Color{{}, {{ColorRED, ColorRED, ""}}} }},
		{"nested.index[A][7][1].amount", "must be at least 1, is 0", func(e *Everything) {
			e.Nested.Index = map[Code]map[int32][]Money{"A": {7: {{Amount: 1, Color: ColorRED}, {Color: ColorRED}}}}
		}},
		{"nested.optionalList[0].color", "",
			func(e *Everything) { e.Nested.OptionalList = cqrs.Some([]Money{{Amount: 1}}) }},
		{"nested.mapOfEnums[A]", "", func(e *Everything) { e.Nested.MapOfEnums = map[Code]Phase{"A": "old"} }},
		{`sets.ofString["\xff"]`, "", func(e *Everything) { e.Sets.OfString = cqrs.SetOf("a", "\xff") }},
		{"sets.ofDate[2026-02-30]", "", func(e *Everything) {
			e.Sets.OfDate = cqrs.SetOf(cqrs.Date{Year: 2026, Month: 2, Day: 30})
		}},
		{"sets.ofLevel[6]", "must be at most 5, is 6", func(e *Everything) { e.Sets.OfLevel = cqrs.SetOf[Level](5, 6) }},
		{"sets.ofColor", "must have at most 2 items, has 3",
			func(e *Everything) { e.Sets.OfColor = cqrs.SetOf(ColorRED, ColorGREEN, ColorBLUE) }},
		{"sets.maybe", "must have at least 1 item, has 0", func(e *Everything) { e.Sets.Maybe = cqrs.Some(cqrs.Set[Code]{}) }},
		{"sets.listed[1][PINK]", `must be one of RED, GREEN, BLUE, is "PINK"`,
			func(e *Everything) { e.Sets.Listed = []cqrs.Set[Color]{nil, cqrs.SetOf[Color]("PINK")} }},
		{"sets.mapped[RED][old]", "",
			func(e *Everything) { e.Sets.Mapped = map[Color]cqrs.Set[Phase]{ColorRED: cqrs.SetOf[Phase]("old")} }},
		{"rules.name", "", func(e *Everything) { e.Rules.Name = " " }},
		{"rules.code", "must have at least 2 characters, has 1", func(e *Everything) { e.Rules.Code = "A" }},
		{"rules.data", "must have at most 4 bytes, has 5", func(e *Everything) { e.Rules.Data = make([]byte, 5) }},
		{"rules.int64", "", func(e *Everything) { e.Rules.Int64 = math.MinInt64 }},
		{"rules.uint64", "", func(e *Everything) { e.Rules.Uint64 = math.MaxUint64 }},
		{"rules.float64", "must be at most 1000, is 1000.5", func(e *Everything) { e.Rules.Float64 = 1000.5 }},
		{"names.priceValue", "must be at most 1000.25, is 1000.26",
			func(e *Everything) { e.Names.PriceValue = Price(cqrs.MustDecimal("1000.26")) }},
		{"rules.decimal", "must be at most 0.0000000000000000001, is 1",
			func(e *Everything) { e.Rules.Decimal = cqrs.MustDecimal("1") }},
		{"rules.maybeDecimal", "must be at least 0.01, is 0",
			func(e *Everything) { e.Rules.MaybeDecimal = cqrs.Some(cqrs.Decimal{}) }},
		{"rules.distinct[2]", `must not stand twice, is "A"`, func(e *Everything) { e.Rules.Distinct = []Code{"A", "B", "A"} }},
		{"rules.maybeDistinct[20]", "must not stand twice, is 7", func(e *Everything) {
			list := []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 7}
			e.Rules.MaybeDistinct = cqrs.Some(list)
		}},
		{"rules.maybeInt", "must be at least 10, is 9", func(e *Everything) { e.Rules.MaybeInt = cqrs.Some(int64(9)) }},
		{"rules.maybeList", "must have at least 2 items, has 1", func(e *Everything) { e.Rules.MaybeList = cqrs.Some([]int64{1}) }},
		{"rules.lookup", "must have at most 3 items, has 4",
			func(e *Everything) { e.Rules.Lookup = map[string]int64{"a": 1, "b": 2, "c": 3, "d": 4} }},
	} {
		t.Run(tt.path, func(t *testing.T) {
			e := valid()
			tt.change(&e)
			all := faults(t, FillBox{Everything: e}.Validate())
			require.Len(t, all, 1, "%v", all)
			message, ok := all["everything."+tt.path]
			require.True(t, ok, "%v", all)
			if tt.message != "" {
				assert.Equal(t, tt.message, message)
			}
		})
	}
}

func TestAllViolationsAreReportedAtOnceAndInOrder(t *testing.T) {
	err := MoveBox{To: 1, Note: cqrs.Some("")}.Validate()
	var invalid *cqrs.ValidationError
	require.ErrorAs(t, err, &invalid)
	var paths []string
	for _, f := range invalid.Fields {
		paths = append(paths, f.Path)
	}
	assert.Equal(t, []string{"to", "place.crate", "place.order.lines", "note"}, paths)
	assert.Equal(t, "MoveBox", invalid.Command)
}

func TestTheAppChecksTheIDBesideTheCommand(t *testing.T) {
	app := newApp(t)
	_, err := app.Box.FillBox(t.Context(), "Not an id", FillBox{Everything: valid()})
	assert.Contains(t, faults(t, err), "id")
}

func newApp(t *testing.T) *App {
	t.Helper()
	log := enginememory.New()
	app, err := New(t.Context(), log, memory.New(), Deciders{}, Projections{})
	require.NoError(t, err)
	t.Cleanup(func() {
		app.Close()
		require.NoError(t, log.Close())
	})
	return app
}

func TestAnUnwrittenDeciderSaysSoAndStoresNothing(t *testing.T) {
	app := newApp(t)
	_, err := app.Box.FillBox(t.Context(), "box-1", FillBox{Everything: valid()})
	var missing *cqrs.NotImplementedError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "Box.FillBox", missing.Method)
	_, _, err = app.Box.Load(t.Context(), "box-1")
	assert.ErrorAs(t, err, new(*cqrs.NotFoundError))
}

func TestACommandToAStreamThatMustExistSaysSo(t *testing.T) {
	_, err := newApp(t).Box.CloseBox(t.Context(), "box-1", CloseBox{})
	assert.ErrorAs(t, err, new(*cqrs.NotFoundError))
}

func TestEverySkeletonMethodSaysThatItIsNotWritten(t *testing.T) {
	for _, team := range []any{
		Box{}, Crate{}, Parcel{}, Shelf{}, BoxContents{}, BoxesByEverything{}, BoxesByName{}, Audit{}, CrateTraffic{}, ParcelsByPlace{},
	} {
		v := reflect.ValueOf(team)
		require.Positive(t, v.NumMethod())
		for i := range v.NumMethod() {
			var args []reflect.Value
			for j := range v.Method(i).Type().NumIn() {
				args = append(args, reflect.Zero(v.Method(i).Type().In(j)))
			}
			results := v.Method(i).Call(args)
			var missing *cqrs.NotImplementedError
			err, _ := results[len(results)-1].Interface().(error)
			require.True(t, errors.As(err, &missing), "%v", err)
			assert.Equal(t, v.Type().Name()+"."+v.Type().Method(i).Name, missing.Method)
		}
	}
}

func TestARejectionSaysItsReasonAndItsFields(t *testing.T) {
	var err error = BoxIsOdd{Color: ColorRED, Seen: []cqrs.Date{{Year: 2026, Month: 3, Day: 1}}}
	assert.EqualError(t, err, "box is odd: color RED, until none, seen [2026-03-01]")
	var rejection cqrs.Rejection
	require.ErrorAs(t, err, &rejection)
	assert.Equal(t, "BoxIsOdd", rejection.RejectionType())
}

func TestWhatACallerLeavesOutIsFilledIn(t *testing.T) {
	left := MoveBox{}
	left.setDefaults()
	assert.Equal(t, MoveBox{
		Pieces: cqrs.Some[int32](1), Tags: cqrs.Some(cqrs.SetOf[Code]("A", "B-1")), Color: cqrs.Some(ColorRED),
		Price: cqrs.Some(Price(cqrs.MustDecimal("1.50"))), Place2: cqrs.Some(Money{Amount: 5, Color: ColorRED}),
	}, left)
	given := MoveBox{Pieces: cqrs.Some[int32](7), Color: cqrs.Some(ColorBLUE)}
	given.setDefaults()
	assert.Equal(t, cqrs.Some[int32](7), given.Pieces)
	assert.Equal(t, cqrs.Some(ColorBLUE), given.Color)
}
