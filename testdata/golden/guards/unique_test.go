package guards_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/claim"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/testdata/golden/guards"
)

// members gives commands to the members of one process, with less around them.
type members struct{ *guards.App }

func email(s string) cqrs.Optional[guards.Email] {
	if s == "" {
		return cqrs.Optional[guards.Email]{}
	}
	return cqrs.Some(guards.Email(s))
}

// join lets a member in who is named by the id.
func (m members) join(id guards.MemberID, mail string) error {
	_, err := m.Member.Join(context.Background(), id, guards.Join{Name: "name of " + string(id), Email: email(mail)})
	return err
}

func (m members) mail(id guards.MemberID, mail string) error {
	_, err := m.Member.ChangeEmail(context.Background(), id, guards.ChangeEmail{Email: email(mail)})
	return err
}

func (m members) rename(id guards.MemberID, name string) error {
	_, err := m.Member.RenameMember(context.Background(), id, guards.RenameMember{Name: name})
	return err
}

func (m members) sit(id guards.MemberID, team cqrs.Optional[guards.TeamID], seat int64) error {
	_, err := m.Member.TakeSeat(context.Background(), id, guards.TakeSeat{Team: team, Seat: seat})
	return err
}

func requireTaken(t *testing.T, err error, mail string) {
	t.Helper()
	var rejection guards.EmailTaken
	require.ErrorAs(t, err, &rejection)
	require.Equal(t, guards.EmailTaken{Email: guards.Email(mail)}, rejection)
}

func TestAValueBelongsToOneStreamAtATime(t *testing.T) {
	onEachEngine(t, func(t *testing.T, reopened func() *guards.App) {
		m := members{reopened()}
		require.NoError(t, m.join("ada", "ada@example.org"))
		requireTaken(t, m.join("bob", "ada@example.org"), "ada@example.org")
		requireTaken(t, m.join("bob", "  Ada@Example.ORG "), "  Ada@Example.ORG ") // as it was given
		require.NoError(t, m.join("bob", "bob@example.org"))
		requireTaken(t, members{reopened()}.mail("bob", "ADA@example.org"), "ADA@example.org")

		require.NoError(t, m.mail("ada", "ADA@example.org"), "its own")
		require.NoError(t, m.mail("ada", "ada@example.com"), "another one")
		require.NoError(t, m.mail("bob", "ada@example.org"), "which is free now")
		requireTaken(t, m.mail("ada", "ada@example.org"), "ada@example.org")
		require.NoError(t, m.mail("bob", ""), "and again")
		require.NoError(t, members{reopened()}.mail("ada", "ada@example.org"))
		require.NoError(t, m.join("cyd", "ada@example.com"))
		require.NoError(t, m.join("dan", "bob@example.org"))
	})
}

func TestNothingThatIsAbsentIsClaimed(t *testing.T) {
	onEachEngine(t, func(t *testing.T, reopened func() *guards.App) {
		m := members{reopened()}
		require.NoError(t, m.join("ada", ""))
		require.NoError(t, m.join("bob", ""))
		require.NoError(t, m.mail("ada", "   "))
		require.NoError(t, m.mail("bob", "   "))
		require.NoError(t, m.sit("ada", cqrs.Optional[guards.TeamID]{}, 7))
		require.NoError(t, m.sit("bob", cqrs.Optional[guards.TeamID]{}, 7), "without a team")
	})
}

func TestSeveralFieldsAreUniqueTogether(t *testing.T) {
	onEachEngine(t, func(t *testing.T, reopened func() *guards.App) {
		m := members{reopened()}
		one, other := cqrs.Some(guards.TeamID{1}), cqrs.Some(guards.TeamID{2})
		for _, id := range []guards.MemberID{"ada", "bob", "cyd"} {
			require.NoError(t, m.join(id, ""))
		}
		require.NoError(t, m.sit("ada", one, 0), "a number may be zero")
		require.NoError(t, m.sit("bob", other, 0))
		require.ErrorIs(t, m.sit("cyd", one, 0), guards.SeatTaken{Seat: 0, Team: one})
		require.NoError(t, m.sit("cyd", one, 1))
		require.ErrorIs(t, m.sit("ada", one, 1), guards.SeatTaken{Seat: 1, Team: one})
		require.NoError(t, m.sit("cyd", other, 1))
		require.NoError(t, m.sit("ada", one, 1))
	})
}

func TestAValueThatIsNeverReleasedStaysTaken(t *testing.T) {
	onEachEngine(t, func(t *testing.T, reopened func() *guards.App) {
		m := members{reopened()}
		require.NoError(t, m.join("ada", ""))
		require.NoError(t, m.join("bob", ""))
		require.NoError(t, m.rename("ada", "Ada"))
		require.NoError(t, m.rename("ada", "Countess"))
		require.ErrorIs(t, m.rename("bob", "ada"), guards.NameTaken{})
		require.ErrorIs(t, members{reopened()}.rename("bob", "Name of ADA"), guards.NameTaken{})
		require.NoError(t, m.rename("ada", "ADA"), "it is her own")
	})
}

func TestARejectedValueChangesNothing(t *testing.T) {
	onEachEngine(t, func(t *testing.T, reopened func() *guards.App) {
		m := members{reopened()}
		require.NoError(t, m.join("ada", "ada@example.org"))
		require.NoError(t, m.join("bob", "bob@example.org"))
		for range 2 {
			requireTaken(t, m.mail("bob", "ada@example.org"), "ada@example.org")
			s, version, err := m.Member.Load(context.Background(), "bob")
			require.NoError(t, err)
			assert.Equal(t, cqrs.Version(1), version)
			assert.Equal(t, email("bob@example.org"), s.Email)
		}
		requireTaken(t, m.join("cyd", "bob@example.org"), "bob@example.org")
		// Whose stream exists is told so first.
		require.ErrorAs(t, m.join("ada", "bob@example.org"), new(*cqrs.AlreadyExistsError))
	})
}

func TestARepeatedCommandIsAnsweredAlsoWhenItsValueWentToAnother(t *testing.T) {
	onEachEngine(t, func(t *testing.T, reopened func() *guards.App) {
		ctx, m := context.Background(), members{reopened()}
		join := func(app *guards.App) (cqrs.Receipt, error) {
			return app.Member.Join(ctx, "ada", guards.Join{Name: "Ada", Email: email("a@example.org")}, cqrs.WithCommandID("join"))
		}
		first, err := join(m.App)
		require.NoError(t, err)
		assert.Equal(t, cqrs.Version(1), first.Version)
		require.NoError(t, m.mail("ada", ""))
		require.NoError(t, m.join("bob", "a@example.org"))
		for _, app := range []*guards.App{m.App, reopened()} {
			again, err := join(app)
			require.NoError(t, err)
			assert.True(t, again.Repeated)
			assert.Equal(t, first.Position, again.Position)
		}
	})
}

func TestAReceiptsPositionIsReachedByProjections(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	app := open(t, memory.New())
	running := make(chan error, 1)
	go func() { running <- app.Run(ctx) }()
	_, err := app.Ticket.OpenTicket(ctx, "t", guards.OpenTicket{Title: "a"})
	require.NoError(t, err)
	r, err := app.Member.Join(ctx, "ada", guards.Join{Name: "Ada", Email: email("a@example.org")})
	require.NoError(t, err)
	_, _, err = app.OpenTickets.Get(ctx, guards.OpenTicketsKey{Ticket: "t"}, cqrs.AtLeast(r.Position))
	require.NoError(t, err)
	cancel()
	require.NoError(t, <-running)
}

func TestClaimsHoldNoValue(t *testing.T) {
	store := memory.New()
	m := members{open(t, store)}
	require.NoError(t, m.join("ada", "ada@example.org"))
	require.NoError(t, m.mail("ada", ""))
	seen := map[string]int{}
	for rec, err := range store.Read(context.Background(), eventlog.Query{}) {
		require.NoError(t, err)
		seen[rec.Stream.Category]++
		if rec.Stream.Category == claim.Category {
			assert.Regexp(t, "^[0-9a-f]{64}$", rec.Stream.ID)
			assert.NotContains(t, strings.ToLower(string(rec.Data)), "example")
			assert.NotContains(t, strings.ToLower(string(rec.Data)), "name of")
		}
	}
	assert.Equal(t, map[string]int{"_keys": 1, "Member": 2, claim.Category: 3}, seen)
}

// processes returns apps that share nothing but the files of a store.
func processes(t *testing.T, n int, opts ...aggregate.Option) []members {
	t.Helper()
	dir, all := t.TempDir(), make([]members, n)
	for i := range all {
		store, err := embedded.Open(context.Background(), dir)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, store.Close()) })
		all[i] = members{open(t, store, opts...)}
	}
	return all
}

func TestOfProcessesThatWantOneValueExactlyOneGetsIt(t *testing.T) {
	all := processes(t, 2)
	for round := range 20 {
		won := make([]error, len(all)*4)
		var wg sync.WaitGroup
		for i := range won {
			wg.Go(func() {
				id := guards.MemberID("m" + strconv.Itoa(round) + "-" + strconv.Itoa(i))
				won[i] = all[i%len(all)].join(id, "wanted-"+strconv.Itoa(round))
			})
		}
		wg.Wait()
		winners := 0
		for _, err := range won {
			if err == nil {
				winners++
				continue
			}
			requireTaken(t, err, "wanted-"+strconv.Itoa(round))
		}
		require.Equal(t, 1, winners, "round %d", round)
	}
}

// requireUnique replays the log and fails where two members had one email at the same position.
func requireUnique(t *testing.T, store aggregate.Store) (holders map[string]cqrs.StreamID) {
	t.Helper()
	holders, has := map[string]cqrs.StreamID{}, map[cqrs.StreamID]string{}
	var commit cqrs.CommitID
	pending := map[cqrs.StreamID]string{}
	settle := func() {
		for s := range pending {
			if holders[has[s]] == s {
				delete(holders, has[s])
			}
		}
		for s, mail := range pending {
			if mail != "" {
				require.NotContains(t, holders, mail)
				holders[mail] = s
			}
			has[s] = mail
		}
		clear(pending)
	}
	for rec, err := range store.Read(context.Background(), eventlog.Query{Types: []string{"MemberJoined", "EmailChanged"}}) {
		require.NoError(t, err)
		if rec.Commit != commit {
			settle()
			commit = rec.Commit
		}
		stream := cqrs.StreamID{Category: rec.Stream.Category, ID: strings.Clone(rec.Stream.ID)}
		if rec.Type == "MemberJoined" {
			var e guards.MemberJoined
			require.NoError(t, e.DecodeJSON(rec.Data, jsoncodec.CopyStrings))
			pending[stream] = string(e.Email.Or(""))
			continue
		}
		var e guards.EmailChanged
		require.NoError(t, e.DecodeJSON(rec.Data, jsoncodec.CopyStrings))
		pending[stream] = string(e.Email.Or(""))
	}
	settle()
	return holders
}

func TestProcessesThatPassValuesAroundNeverShareOne(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dir := t.TempDir()
	store, err := embedded.Open(context.Background(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	other, err := embedded.Open(context.Background(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, other.Close()) })
	all := []members{{open(t, store)}, {open(t, other, aggregate.WithCache(0))}}
	for i := range 6 {
		require.NoError(t, all[0].join(guards.MemberID("m"+strconv.Itoa(i)), ""))
	}
	var wg sync.WaitGroup
	for i := range 4 {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		wg.Go(func() {
			for range 60 {
				id, mail := guards.MemberID("m"+strconv.Itoa(random.IntN(6))), ""
				if n := random.IntN(5); n > 0 {
					mail = "mail" + strconv.Itoa(n)
				}
				if err := all[i%2].mail(id, mail); err != nil && !errors.As(err, new(guards.EmailTaken)) {
					t.Errorf("%s wants %q: %v", id, mail, err)
				}
			}
		})
	}
	wg.Wait()
	holders := requireUnique(t, store)
	requireClaims(t, all[1], holders, 5)
}

// requireClaims fails if the claims are not those of the holders: a free value is to be had, and a taken one is not.
func requireClaims(t *testing.T, m members, holders map[string]cqrs.StreamID, mails int) {
	t.Helper()
	for n := 1; n < mails; n++ {
		mail := "mail" + strconv.Itoa(n)
		err := m.join(guards.MemberID(uuid.NewString()), mail)
		if _, taken := holders[mail]; taken {
			requireTaken(t, err, mail)
			continue
		}
		require.NoError(t, err, "nobody has %s", mail)
	}
}
