package subscription_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/subscription"
)

// split are what a newer release stores in the place of Noted.
const wrote, signed = "Wrote", "Signed"

// replace makes the log say that a newer release does so.
func replace(t testing.TB, log eventlog.Log) {
	t.Helper()
	v := cqrs.Replacement{Event: noted, By: []string{wrote, signed}}
	data, err := v.AppendJSON(nil)
	require.NoError(t, err)
	_, err = log.Append(t.Context(), eventlog.Commit{
		ID: cqrs.NewCommitID(), Meta: cqrs.CommandMeta{Time: time.Now().UTC().Truncate(time.Microsecond)},
		Streams: []eventlog.StreamAppend{{Stream: v.Stream(), Expected: eventlog.New, Events: []eventlog.NewEvent{
			{Type: cqrs.Replaced, SchemaVersion: 1, ContentType: cqrs.JSON, Data: data},
		}}},
	})
	require.NoError(t, err)
}

// subscribeTo is the subscription of a release that delivers these events, and ignores others.
func subscribeTo(log eventlog.Log, store subscription.Store, b *book, start subscription.Start, events, ignores []string,
) *subscription.Subscription {
	return subscription.New(log, store, subscription.Definition{
		Name: "notes", Start: start, Events: events, Ignores: ignores, Handle: b.handle,
	}, quick...)
}

// waitsForARelease checks that a subscription waits, and delivers nothing meanwhile but what was delivered before.
func waitsForARelease(t *testing.T, s *subscription.Subscription, b *book, before int) {
	t.Helper()
	eventually(t, "the status", func() bool { return s.Status().Error != "" || len(b.read()) != before })
	require.Len(t, b.read(), before, "nothing behind that place is delivered")
	assert.Contains(t, s.Status().Error, "event Noted is stored as Wrote, Signed from position")
	assert.Contains(t, s.Status().Error, "deploy the release that wrote it first")
}

func TestASubscriptionWaitsWhereAnEventIsReplacedForAProgramThatKnowsWhatIsInItsPlace(t *testing.T) {
	log, store, b := fixture()
	add(t, log, noted, "a", "b")
	older := subscribe(log, store, subscription.Beginning, b)
	stop := run(t, older)
	eventually(t, "what was stored before", func() bool { return len(b.read()) == 2 })
	replace(t, log)
	add(t, log, wrote, "a")
	add(t, log, noted, "a", "b") // other processes of the older release still run
	waitsForARelease(t, older, b, 2)
	stop()
	assert.Len(t, b.read(), 2)
	assert.EqualValues(t, 2, older.Status().Position, "and no checkpoint is behind it")

	newer := subscribeTo(log, store, b, subscription.Beginning, []string{noted, wrote}, []string{signed})
	run(t, newer)
	eventually(t, "all that is stored", func() bool { return len(b.read()) == 5 })
	assert.Equal(t, []string{"a1", "a2", "a3"}, b.of("a"))
	eventually(t, "the status", func() bool { s := newer.Status(); return s.Lag == 0 && s.Position == 6 && s.Error == "" })
	parked, err := newer.Parked(t.Context())
	require.NoError(t, err)
	assert.Empty(t, parked)
}

func TestAnOlderSubscriptionThatComesBackWaitsThoughANewerOneWentOn(t *testing.T) {
	log, store, b := fixture()
	add(t, log, noted, "a")
	replace(t, log)
	add(t, log, wrote, "a")
	newer := subscribeTo(log, store, b, subscription.Beginning, []string{noted, wrote, signed}, nil)
	stop := run(t, newer)
	eventually(t, "all that is stored", func() bool { return newer.Status().Position == 3 })
	stop()

	older := subscribe(log, store, subscription.Beginning, b)
	add(t, log, noted, "b")
	run(t, older)
	waitsForARelease(t, older, b, 2)
	assert.Empty(t, b.of("b"))
}

func TestAnOlderSubscriptionDoesNotTryParkedStreamsThatHaveWhatItDoesNotKnow(t *testing.T) {
	log, store, b := fixture()
	b.failing(always("a1"))
	add(t, log, noted, "a")
	replace(t, log)
	add(t, log, wrote, "a")
	newer := func() *subscription.Subscription {
		return subscribeTo(log, store, b, subscription.Beginning, []string{noted, wrote, signed}, nil)
	}
	s := newer()
	stop := run(t, s)
	eventually(t, "a parked stream", func() bool { return s.Status().Parked == 1 && s.Status().Position == 3 })
	stop()

	b.failing(nil)
	older := subscribe(log, store, subscription.Beginning, b)
	require.NoError(t, older.Retry(t.Context(), stream("a")))
	stop = run(t, older)
	waitsForARelease(t, older, b, 0)
	stop()
	assert.Empty(t, b.read(), "it would deliver the stream without what it does not know of")

	run(t, newer())
	eventually(t, "all that is stored", func() bool { return len(b.read()) == 2 })
	assert.Equal(t, []string{"a1", "a2"}, b.of("a"))
}

func TestASubscriptionThatBeginsAtTheHeadLooksAtWhatWasReplacedBefore(t *testing.T) {
	log, store, b := fixture()
	add(t, log, noted, "a")
	replace(t, log)
	older := subscribe(log, store, subscription.Head, b)
	run(t, older)
	waitsForARelease(t, older, b, 0)
}

func TestWhatIsReplacedIsNoConcernOfASubscriptionToOtherEvents(t *testing.T) {
	log, store, b := fixture()
	replace(t, log)
	add(t, log, ignored, "a")
	s := subscribeTo(log, store, b, subscription.Beginning, []string{ignored}, nil)
	run(t, s)
	eventually(t, "the event", func() bool { return len(b.read()) == 1 && s.Status().Lag == 0 })
	assert.Empty(t, s.Status().Error)
}
