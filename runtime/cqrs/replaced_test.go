package cqrs_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// replaced is a record that says that Withdrawn is stored as Paid and Charged.
func replaced(t *testing.T) *cqrs.Record {
	v := cqrs.Replacement{Event: "Withdrawn", By: []string{"Paid", "Charged"}}
	data, err := v.AppendJSON(nil)
	require.NoError(t, err)
	return &cqrs.Record{
		EventMeta: cqrs.EventMeta{Position: 7, Stream: v.Stream(), Version: 1},
		Type:      v.EventType(), SchemaVersion: 1, ContentType: cqrs.JSON, Data: data,
	}
}

func TestAReaderStopsWhereAnEventIsReplacedThatItTakesUnlessItKnowsAllThatIsInItsPlace(t *testing.T) {
	for _, c := range []struct {
		name           string
		takes, ignores []string
		unknown        []string
	}{
		{"another reader", []string{"Opened"}, nil, nil},
		{"an older one", []string{"Opened", "Withdrawn"}, nil, []string{"Paid", "Charged"}},
		{"one that knows a part", []string{"Withdrawn", "Charged"}, nil, []string{"Paid"}},
		{"one that takes all", []string{"Withdrawn", "Charged", "Paid"}, nil, nil},
		{"one that leaves a part out", []string{"Withdrawn", "Paid"}, []string{"Charged"}, nil},
		{"one that leaves them out", []string{"Withdrawn"}, []string{"Paid", "Charged"}, nil},
		{"one that leaves the event out", []string{"Opened"}, []string{"Withdrawn"}, nil},
	} {
		err := replaced(t).CheckReplaced(c.takes, c.ignores)
		if c.unknown == nil {
			assert.NoError(t, err, c.name)
			continue
		}
		var stops *cqrs.ReplacedEventError
		require.ErrorAs(t, err, &stops, c.name)
		want := cqrs.ReplacedEventError{Position: 7, Type: "Withdrawn", By: []string{"Paid", "Charged"}, Unknown: c.unknown}
		assert.Equal(t, want, *stops, c.name)
	}
}

func TestAReplacedEventSaysWhatToDeploy(t *testing.T) {
	assert.EqualError(t, replaced(t).CheckReplaced([]string{"Withdrawn", "Paid"}, nil),
		"event Withdrawn is stored as Paid, Charged from position 7 on, and this program does not know Charged: "+
			"deploy the release that wrote it first")
}

func TestWhatCantBeReadAsAReplacementStopsEveryReader(t *testing.T) {
	for _, data := range []string{"", "[]", "{}", `{"event":"Withdrawn"}`, `{"by":["Paid"]}`} {
		rec := replaced(t)
		rec.Data = []byte(data)
		require.ErrorAs(t, rec.CheckReplaced(nil, nil), new(*cqrs.DecodingError), data)
	}
	rec := replaced(t)
	rec.SchemaVersion = 2
	require.ErrorAs(t, rec.CheckReplaced(nil, nil), new(*cqrs.UnknownEventError))
}

func TestTheStreamOfAReplacementIsReserved(t *testing.T) {
	v := cqrs.Replacement{Event: "booking-annotated"}
	require.NoError(t, v.Stream().Validate())
	assert.True(t, v.Stream().Reserved())
}
