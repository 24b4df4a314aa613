package personal

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

func TestWhatIsMadeOfPersonalDataBelongsToWhomTheseBelongTo(t *testing.T) {
	c := OfStream(nil, cqrs.StreamID{Category: "Guest", ID: "g-1"}).Event("Came", "GuestID")
	ada, bob, none := KeyID{1}, KeyID{2}, Subject{}
	held := func(key KeyID) Value[string] { return holding(&content[string]{value: "x", key: key}) }
	gone := holding(&content[int]{key: ada, erased: true})
	stored := holding(&content[string]{of: Subject{"A", "1"}})
	for name, is := range map[string]struct {
		v    Value[string]
		of   Subject
		made []Source
		want owner
	}{
		"of one":                     {Of("new"), none, []Source{held(ada), Value[int]{}, held(ada)}, owner{key: ada}},
		"of one, and not of another": {Of("new"), Subject{"B", "2"}, []Source{held(ada)}, owner{key: ada}},
		"of what is erased":          {Of("new"), none, []Source{held(ada), gone}, owner{key: ada, erased: true}},
		"of what was in clear text":  {Of("new"), Subject{"B", "2"}, []Source{stored}, owner{of: Subject{"A", "1"}}},
		"of what is not personal":    {Of("new"), Subject{"B", "2"}, nil, owner{of: Subject{"B", "2"}}},
		"of nothing that is known":   {Of("new"), none, []Source{Value[int]{}}, owner{of: Subject{"GuestID", "g-1"}}},
		"what was copied":            {held(bob), none, []Source{held(ada), gone}, owner{key: bob}},
		"what the model says":        {Default("new"), none, []Source{held(ada)}, owner{}},
		"the zero value":             {Value[string]{}, none, []Source{gone}, owner{}},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, Adopt(c, &is.v, is.of, func() string { return "instead" }, is.made...))
			assert.Equal(t, is.want, is.v.owner())
			if text, known := is.v.Reveal(); is.want.erased {
				assert.Equal(t, "instead", text)
				assert.False(t, known)
			}
		})
	}
	v := Of("both")
	require.ErrorIs(t, Adopt(c, &v, none, nil, held(ada), held(bob)), errOfSeveral)
	require.NoError(t, Adopt(Unread(), &v, none, nil, held(ada), held(bob)), "nobody reads it")
}
