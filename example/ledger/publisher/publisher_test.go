package publisher

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	engine "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	rows "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/subscription"
	"github.com/cqrsgen/cqrsgen/runtime/subscription/memory"
)

func TestAnAddressIsServersAndASubject(t *testing.T) {
	servers, subject, err := split("nats://a:1,nats://b:2/ledger.events")
	require.NoError(t, err)
	assert.Equal(t, []string{"nats://a:1,nats://b:2", "ledger.events"}, []string{servers, subject})
	for _, address := range []string{"", "nats://a:1", "nats://a:1/", "%"} {
		_, _, err := split(address)
		assert.Error(t, err, address)
	}
}

// published returns what the stream has, as "Account/acc-1 2 MoneyDeposited".
func published(t *testing.T, address string) (messages []string) {
	servers, subject, err := split(address)
	require.NoError(t, err)
	for _, m := range messagesOf(t, servers, subject) {
		messages = append(messages, m.Header.Get(StreamHeader)+" "+m.Header.Get(VersionHeader)+" "+
			strings.TrimPrefix(m.Subject, subject+"."))
	}
	return messages
}

func publishAll(t *testing.T, p *Publisher, log *engine.Log, store subscription.Store) {
	s := p.Subscription(log, store)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	head, err := log.Head(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.Status().Position == head }, time.Minute, 5*time.Millisecond)
	cancel()
	require.NoError(t, <-done)
}

func TestEachEventIsInTheStreamOnceWhateverIsPublishedAgain(t *testing.T) {
	address := testserver.NATS(t)
	log := engine.New()
	app, err := ledger.New(t.Context(), log, rows.New(), ledger.Deciders{}, ledger.Projections{})
	require.NoError(t, err)
	for _, account := range []ledger.AccountID{"acc-1", "acc-2"} {
		_, err := app.Account.OpenAccount(t.Context(), account, ledger.OpenAccount{Owner: "Ada"})
		require.NoError(t, err)
		_, err = app.Account.Deposit(t.Context(), account, ledger.Deposit{Money: ledger.Money{Amount: 5, Currency: ledger.CurrencyEUR}})
		require.NoError(t, err)
	}
	p, err := Connect(t.Context(), address)
	require.NoError(t, err)
	defer p.Close()
	store := memory.New()
	publishAll(t, p, log, store)
	want := []string{"Account/acc-1 1 AccountOpened", "Account/acc-1 2 MoneyDeposited",
		"Account/acc-2 1 AccountOpened", "Account/acc-2 2 MoneyDeposited"}
	assert.ElementsMatch(t, want, published(t, address))

	// A rebuild is not the subscription's, and a lost checkpoint publishes everything again.
	app.Close()
	app, err = ledger.New(t.Context(), log, rows.New(), ledger.Deciders{}, ledger.Projections{})
	require.NoError(t, err)
	for _, projection := range app.Projectors() {
		require.NoError(t, projection.CatchUp(t.Context()))
	}
	publishAll(t, p, log, store)
	publishAll(t, p, log, memory.New())
	assert.ElementsMatch(t, want, published(t, address))
}
