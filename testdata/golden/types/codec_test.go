package types

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

type encoder[T any] interface {
	*T
	AppendJSON([]byte) ([]byte, error)
}

type codec[T any] interface {
	encoder[T]
	DecodeJSON([]byte, jsoncodec.Strings) error
}

// encodes checks that encoding/json reads what the type writes, and returns that.
func encodes[T any, P encoder[T]](t *rapid.T, v *T) []byte {
	ours, err := P(v).AppendJSON(nil)
	require.NoError(t, err)
	var read T
	require.NoError(t, json.Unmarshal(ours, &read), "%s", ours)
	again, err := P(&read).AppendJSON(nil)
	require.NoError(t, err)
	require.Equal(t, string(ours), string(again), "through encoding/json")
	return ours
}

// decodes checks that the type reads what it wrote itself, and what encoding/json writes.
func decodes[T any](t *rapid.T, v *T, ours []byte, decode func([]byte, *T) error) {
	var read T
	require.NoError(t, decode(ours, &read), "%s", ours)
	require.Equal(t, *v, read)
	theirs, err := json.Marshal(v)
	require.NoError(t, err)
	read = *new(T)
	require.NoError(t, decode(theirs, &read), "%s", theirs)
	require.Equal(t, *v, read, "from encoding/json")
}

func testEvent[T any, P codec[T]](t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := random[T](t)
		ours := encodes[T, P](t, &v)
		for _, mode := range []jsoncodec.Strings{jsoncodec.CopyStrings, jsoncodec.ViewStrings} {
			decodes(t, &v, ours, func(data []byte, into *T) error { return P(into).DecodeJSON(data, mode) })
		}
	})
}

func TestEventsSurviveTheCodecAndEncodingJSON(t *testing.T) {
	t.Run("BoxFilled", testEvent[BoxFilled])
	t.Run("BoxOpened", testEvent[BoxOpened])
	t.Run("BoxWeighed", testEvent[BoxWeighed])
	t.Run("BoxNamed", testEvent[BoxNamed])
	t.Run("BoxClosed", testEvent[BoxClosed])
	t.Run("BoxMoved", testEvent[BoxMoved])
	t.Run("CrateBuilt", testEvent[CrateBuilt])
	t.Run("CrateBurned", testEvent[CrateBurned])
	t.Run("ParcelSent", testEvent[ParcelSent])
	t.Run("ShelfPut", testEvent[ShelfPut])
}

func testCommand[T any, P encoder[T]](t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := random[T](t)
		encodes[T, P](t, &v)
	})
}

func TestEncodingJSONReadsCommands(t *testing.T) {
	t.Run("FillBox", testCommand[FillBox])
	t.Run("OpenBox", testCommand[OpenBox])
	t.Run("WeighBox", testCommand[WeighBox])
	t.Run("NameBox", testCommand[NameBox])
	t.Run("MoveBox", testCommand[MoveBox])
	t.Run("CloseBox", testCommand[CloseBox])
	t.Run("BuildCrate", testCommand[BuildCrate])
	t.Run("BurnCrate", testCommand[BurnCrate])
	t.Run("SendParcel", testCommand[SendParcel])
	t.Run("PutOnShelf", testCommand[PutOnShelf])
}

func testState[T any](t *testing.T, encode func([]byte, *T) ([]byte, error), decode func([]byte, *T) error) {
	rapid.Check(t, func(t *rapid.T) {
		v := random[T](t)
		ours, err := encode(nil, &v)
		require.NoError(t, err)
		decodes(t, &v, ours, decode)
	})
}

func TestStatesSurviveSnapshots(t *testing.T) {
	t.Run("Box", func(t *testing.T) { testState(t, appendBoxState, decodeBoxState) })
	t.Run("Parcel", func(t *testing.T) { testState(t, appendParcelState, decodeParcelState) })
}

func TestAMissingRequiredFieldIsNamed(t *testing.T) {
	var e CrateBuilt
	err := e.DecodeJSON([]byte(`{"phase":"new"}`), jsoncodec.CopyStrings)
	require.ErrorContains(t, err, "day")
	require.ErrorContains(t, err, "CrateBuilt")
}

func TestAnUnknownEnumValueIsRefusedBothWays(t *testing.T) {
	e := CrateBuilt{Phase: "newer"}
	_, err := e.AppendJSON(nil)
	require.ErrorContains(t, err, "newer")
	err = e.DecodeJSON([]byte(`{"phase":"newer","day":"2026-01-02"}`), jsoncodec.CopyStrings)
	var fault *cqrs.DecodingError
	require.ErrorAs(t, err, &fault)
	require.Equal(t, "CrateBuilt", fault.Type, "the event is named")
	require.Equal(t, "phase", fault.Field)
	require.ErrorContains(t, err, `"newer" is not a value of Phase`)
}

func TestNullIsReadAsAbsentAndAbsentStaysSo(t *testing.T) {
	nulls := `{"stringValue":null,"boolValue":null,"intValue":null,"int32Value":null,"int64Value":null,"uint32Value":null,
		"uint64Value":null,"float64Value":null,"bytesValue":null,"timeValue":null,"durationValue":null,"uuidValue":null,
		"dateValue":null,"decimalValue":null}`
	for _, data := range []string{nulls, `{}`} {
		var e BoxWeighed
		require.NoError(t, e.DecodeJSON([]byte(data), jsoncodec.CopyStrings))
		require.Equal(t, BoxWeighed{}, e)
		b, err := e.AppendJSON(nil)
		require.NoError(t, err)
		require.Equal(t, "{}", string(b))
	}
}
