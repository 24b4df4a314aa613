package publisher

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	engine "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	rows "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/subscription/memory"
)

// contracts is where the ledger's contracts are.
const contracts = "../docs/"

// asyncAPI is what the test reads of the document.
type asyncAPI struct {
	Channels map[string]struct {
		Address  string `json:"address"`
		Messages map[string]struct {
			Ref string `json:"$ref"`
		} `json:"messages"`
	} `json:"channels"`
	Components struct {
		Messages map[string]struct {
			Headers json.RawMessage `json:"headers"`
			Payload struct {
				Ref string `json:"$ref"`
			} `json:"payload"`
		} `json:"messages"`
	} `json:"components"`
}

func validates(t *testing.T, schema, value []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("urn:schema", doc))
	s, err := c.Compile("urn:schema")
	require.NoError(t, err)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	require.NoError(t, err)
	require.NoError(t, s.Validate(v), "%s", value)
}

func TestMessagesAreWhatTheAsyncAPIDocumentSays(t *testing.T) {
	address := testserver.NATS(t)
	log := engine.New()
	app, err := ledger.New(t.Context(), log, rows.New(), ledger.Deciders{}, ledger.Projections{})
	require.NoError(t, err)
	defer app.Close()
	_, err = app.Account.OpenAccount(t.Context(), "acc-1", ledger.OpenAccount{Owner: "Ada"})
	require.NoError(t, err)
	_, err = app.Account.Deposit(t.Context(), "acc-1", ledger.Deposit{Money: ledger.Money{Amount: 5, Currency: ledger.CurrencyEUR}})
	require.NoError(t, err)
	_, err = app.Account.Withdraw(t.Context(), "acc-1", ledger.Withdraw{Money: ledger.Money{Amount: 2, Currency: ledger.CurrencyEUR}})
	require.NoError(t, err)
	p, err := Connect(t.Context(), address)
	require.NoError(t, err)
	defer p.Close()
	publishAll(t, p, log, memory.New())

	text, err := os.ReadFile(contracts + "ledger.asyncapi.json")
	require.NoError(t, err)
	var api asyncAPI
	require.NoError(t, json.Unmarshal(text, &api))
	assert.Len(t, api.Channels, len(Events))
	servers, subject, err := split(address)
	require.NoError(t, err)
	messages := messagesOf(t, servers, subject)
	require.Len(t, messages, 3)
	for _, m := range messages {
		isDocumented(t, &api, subject, m)
	}
}

// messagesOf returns what was published.
func messagesOf(t *testing.T, servers, subject string) (messages []*jetstream.RawStreamMsg) {
	t.Helper()
	nc, err := nats.Connect(servers)
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), strings.ReplaceAll(subject, ".", "_"))
	require.NoError(t, err)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	for i := info.State.FirstSeq; i <= info.State.LastSeq && i > 0; i++ {
		m, err := stream.GetMsg(t.Context(), i)
		require.NoError(t, err)
		messages = append(messages, m)
	}
	return messages
}

// isDocumented requires that a message is in the channel of its subject, with the headers and the payload that it says.
func isDocumented(t *testing.T, api *asyncAPI, subject string, m *jetstream.RawStreamMsg) {
	t.Helper()
	found := false
	for _, channel := range api.Channels {
		if strings.ReplaceAll(channel.Address, "{subject}", subject) != m.Subject {
			continue
		}
		for _, message := range channel.Messages {
			documented := api.Components.Messages[strings.TrimPrefix(message.Ref, "#/components/messages/")]
			headers := map[string]string{}
			for name := range m.Header {
				headers[name] = m.Header.Get(name)
			}
			text, err := json.Marshal(headers)
			require.NoError(t, err)
			validates(t, documented.Headers, text)
			schema, err := os.ReadFile(contracts + documented.Payload.Ref)
			require.NoError(t, err)
			validates(t, schema, m.Data)
			found = true
		}
	}
	assert.True(t, found, m.Subject)
}
