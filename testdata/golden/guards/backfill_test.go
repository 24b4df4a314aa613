package guards_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/claim"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/testdata/golden/guards"
)

func memberStream(id string) cqrs.StreamID { return cqrs.StreamID{Category: "Member", ID: id} }

// unclaimed stores members as they were stored before anything was unique.
func unclaimed(t *testing.T, store aggregate.Store, mails map[string]string) {
	t.Helper()
	for id, mail := range mails {
		foreign(t, store, memberStream(id), &guards.MemberJoined{Name: "name of " + id, Email: email(mail)})
	}
}

func TestClaimingTakesTheValuesOfStreamsFromBefore(t *testing.T) {
	ctx, store := context.Background(), memory.New()
	unclaimed(t, store, map[string]string{"ada": "A@example.org", "bob": "", "cyd": "c@example.org"})
	m := members{open(t, store)}
	require.NoError(t, m.Member.ClaimUnique(ctx))
	requireTaken(t, m.join("dan", "a@example.org"), "a@example.org")
	require.ErrorIs(t, m.rename("bob", "name of cyd"), guards.NameTaken{})
	require.NoError(t, m.mail("ada", "b@example.org"))
	require.NoError(t, m.join("dan", "a@example.org"))
	head, err := store.Head(ctx)
	require.NoError(t, err)
	require.NoError(t, m.Member.ClaimUnique(ctx))
	again, err := store.Head(ctx)
	require.NoError(t, err)
	assert.Equal(t, head, again, "there was nothing left to claim")
}

func TestClaimingKeepsWhatIsNeverReleased(t *testing.T) {
	ctx, store := context.Background(), memory.New()
	foreign(t, store, memberStream("ada"), &guards.MemberJoined{Name: "Ada"}, &guards.MemberRenamed{Name: "never seen"})
	foreign(t, store, memberStream("ada"), &guards.MemberRenamed{Name: "Countess"})
	foreign(t, store, memberStream("ada"), &guards.MemberRenamed{Name: "Byron"})
	foreign(t, store, memberStream("ada"), &guards.MemberRenamed{Name: "countess"})
	foreign(t, store, memberStream("ada"), &guards.MemberRenamed{Name: "King"})
	foreign(t, store, memberStream("bob"), &guards.MemberJoined{Name: "Byron"}) // who got it when it was free
	m := members{open(t, store)}
	for range 2 {
		require.NoError(t, m.Member.ClaimUnique(ctx))
	}
	require.NoError(t, m.rename("bob", "byron"), "it is his")
	require.NoError(t, m.join("cyd", ""))
	for _, name := range []string{"Never seen", "Countess", "Byron", "King"} {
		require.ErrorIs(t, m.rename("cyd", name), guards.NameTaken{}, name)
	}
	require.NoError(t, m.rename("cyd", "Ada"), "which no command ever left behind")
}

func TestClaimingReleasesWhatAProgramChangedThatKnewOfNoClaims(t *testing.T) {
	ctx, store := context.Background(), memory.New()
	m := members{open(t, store)}
	require.NoError(t, m.join("ada", "a@example.org"))
	require.NoError(t, m.join("bob", "b@example.org"))
	foreign(t, store, memberStream("ada"), &guards.EmailChanged{Email: email("c@example.org")}, &guards.MemberRenamed{Name: "Ada"})
	requireTaken(t, m.mail("bob", "a@example.org"), "a@example.org")
	require.NoError(t, m.Member.ClaimUnique(ctx))
	requireTaken(t, m.mail("bob", "c@example.org"), "c@example.org")
	require.NoError(t, m.mail("bob", "a@example.org"))
	require.ErrorIs(t, m.rename("bob", "name of ada"), guards.NameTaken{}, "which is never released")
}

func TestDuplicatesFromBeforeAreListedAndTheRestIsClaimed(t *testing.T) {
	ctx, store := context.Background(), memory.New()
	for _, id := range []string{"ada", "bob", "cyd"} {
		unclaimed(t, store, map[string]string{id: "same@example.org"})
	}
	unclaimed(t, store, map[string]string{"dan": "d@example.org"})
	m := members{open(t, store)}
	for range 2 {
		err := m.Member.ClaimUnique(ctx)
		var duplicates *aggregate.DuplicatesError
		require.ErrorAs(t, err, &duplicates)
		assert.Equal(t, &aggregate.DuplicatesError{Total: 2, Duplicates: []aggregate.Duplicate{
			{Stream: memberStream("bob"), Holder: memberStream("ada"), Space: "Member.email trim lower"},
			{Stream: memberStream("cyd"), Holder: memberStream("ada"), Space: "Member.email trim lower"},
		}}, duplicates)
		require.EqualError(t, err, "Member/bob has a value that Member/ada holds (Member.email trim lower), and 1 more streams have one of another")
	}
	requireTaken(t, m.join("eve", "d@example.org"), "d@example.org")
	require.NoError(t, m.mail("bob", "b@example.org"), "a duplicate can be changed")
	require.NoError(t, m.mail("ada", "a@example.org"))
	require.NoError(t, m.Member.ClaimUnique(ctx))
	requireTaken(t, m.mail("dan", "same@example.org"), "same@example.org")
}

func TestAStreamThatClaimedNothingCanChangeItsValue(t *testing.T) {
	store := memory.New()
	m := members{open(t, store)}
	foreign(t, store, memberStream("ada"), &guards.MemberJoined{Name: "Ada", Email: email("a@example.org")})
	require.NoError(t, m.mail("ada", "b@example.org"))
	require.NoError(t, m.mail("ada", "a@example.org"))
	requireTaken(t, m.join("bob", "a@example.org"), "a@example.org")
	require.NoError(t, m.join("bob", "b@example.org"))
	require.NoError(t, m.rename("ada", "Countess"))
	require.ErrorIs(t, m.rename("bob", "Ada"), guards.NameTaken{}, "which was left and stays taken")
}

func TestClaimingIsSafeWhileCommandsRun(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	ctx, dir := context.Background(), t.TempDir()
	var stores [2]*embedded.Log
	var all [2]members
	for i := range stores {
		var err error
		stores[i], err = embedded.Open(ctx, dir)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, stores[i].Close()) })
		all[i] = members{open(t, stores[i])}
	}
	const count, mails = 20, 41
	for i := range count {
		unclaimed(t, stores[0], map[string]string{"m" + strconv.Itoa(i): "mail" + strconv.Itoa(i+1)})
	}
	var wg sync.WaitGroup
	for i := range 3 {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		wg.Go(func() {
			for range 50 {
				id, mail := guards.MemberID("m"+strconv.Itoa(random.IntN(count))), "mail"+strconv.Itoa(1+random.IntN(mails-1))
				// A value from before that nobody claimed yet may be had by two, so that mails from before are only left.
				if n, _ := strconv.Atoi(mail[4:]); n <= count {
					mail = ""
				}
				if random.IntN(5) == 0 {
					// As a program does that knows of no claims; nobody else wants this one.
					foreign(t, stores[i%2], memberStream(string(id)), &guards.EmailChanged{Email: email("of " + string(id))})
					continue
				}
				if err := all[i%2].mail(id, mail); err != nil && !errors.As(err, new(guards.EmailTaken)) {
					t.Errorf("%s wants %q: %v", id, mail, err)
				}
			}
		})
	}
	for i := range 2 {
		wg.Go(func() { assert.NoError(t, all[i].Member.ClaimUnique(ctx)) })
	}
	wg.Wait()
	require.NoError(t, all[0].Member.ClaimUnique(ctx))
	requireClaims(t, all[0], requireUnique(t, stores[0]), mails)
}

func TestTheKeyOfClaimsIsMadeOnceAndNeverExchanged(t *testing.T) {
	ctx, store := context.Background(), memory.New()
	own := aggregate.WithClaimKey([]byte("a key of sixteen"))
	require.NoError(t, members{open(t, store, own)}.join("ada", "a@example.org"))
	requireTaken(t, members{open(t, store, own)}.join("bob", "a@example.org"), "a@example.org")
	for reason, opts := range map[string][]aggregate.Option{
		"this store's claims were made with another one":                      {aggregate.WithClaimKey([]byte("another key of 16"))},
		"this store's claims were made with one that the program has to give": nil,
		"it has 3 bytes; it needs at least 16":                                {aggregate.WithClaimKey([]byte("abc"))},
	} {
		err := members{open(t, store, opts...)}.join("bob", "b@example.org")
		var key *claim.KeyError
		require.ErrorAs(t, err, &key)
		assert.Equal(t, reason, key.Reason)
		_, _, err = open(t, store, opts...).Member.Load(ctx, "bob")
		require.ErrorAs(t, err, new(*cqrs.NotFoundError))
	}

	kept := memory.New()
	require.NoError(t, members{open(t, kept)}.join("ada", "a@example.org"))
	require.ErrorAs(t, members{open(t, kept, own)}.join("bob", ""), new(*claim.KeyError))
	requireTaken(t, members{open(t, kept)}.join("bob", "a@example.org"), "a@example.org")
}
