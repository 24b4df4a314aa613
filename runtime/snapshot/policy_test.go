package snapshot

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestASnapshotIsDueAtTheFirstOfItsBounds(t *testing.T) {
	began := time.Unix(1_000_000_000, 0)
	since := func(events int, bytes int64) Since { return Since{Events: events, Bytes: bytes, Time: began} }
	for name, c := range map[string]struct {
		policy Policy
		since  Since
		after  time.Duration
		want   bool
	}{
		"no bound":                   {Policy{}, since(1_000_000, 1<<40), 1_000_000 * time.Hour, false},
		"too few events":             {Policy{Events: 3}, since(2, 100), time.Hour, false},
		"enough events":              {Policy{Events: 3}, since(3, 0), 0, true},
		"more events":                {Policy{Events: 3}, since(4, 0), 0, true},
		"too few bytes":              {Policy{Bytes: 100}, since(9, 99), time.Hour, false},
		"enough bytes":               {Policy{Bytes: 100}, since(1, 100), 0, true},
		"too young":                  {Policy{Age: time.Hour}, since(9, 9), time.Hour - 1, false},
		"old enough":                 {Policy{Age: time.Hour}, since(1, 0), time.Hour, true},
		"old, and nothing happened":  {Policy{Age: time.Hour}, since(0, 0), 9 * time.Hour, false},
		"a clock that was set back":  {Policy{Age: time.Hour}, since(1, 0), -9 * time.Hour, false},
		"events before bytes":        {Policy{Events: 3, Bytes: 100, Age: time.Hour}, since(3, 1), 0, true},
		"bytes before events":        {Policy{Events: 3, Bytes: 100, Age: time.Hour}, since(1, 100), 0, true},
		"age before events":          {Policy{Events: 3, Bytes: 100, Age: time.Hour}, since(1, 1), time.Hour, true},
		"none of the three, by much": {Policy{Events: 3, Bytes: 100, Age: time.Hour}, since(2, 99), time.Minute, false},
	} {
		assert.Equal(t, c.want, c.policy.Due(c.since, began.Add(c.after)), name)
	}
}

func TestAgeIsCountedFromTheFirstEventBehindASnapshotOrOfTheStream(t *testing.T) {
	began := time.Unix(1_000_000_000, 0)
	var s Since
	s.Add(2, 20, began)
	s.Add(1, 10, began.Add(time.Hour))
	assert.Equal(t, Since{Events: 3, Bytes: 30, Time: began}, s)
}
