package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
)

// Codes of errors of the JetStream API.
const (
	codeClusterUnavailable  = 10008
	codeNotLeader           = 10009
	codeCreateFailed        = 10049 // creating a stream failed on a server
	codeMemberDown          = 10040
	codeInsufficient        = 10023
	codeStorageExceeded     = 10047
	codeAccountExceeded     = 10002
	codeStoreFailed         = 10077
	codeNoMessage           = 10037
	codeStreamNotFound      = 10059
	codeWrongLastMessageID  = 10070
	codeWrongLastSequence   = 10071
	codeLastSequenceUnclear = 10164 // the subject is being written to, or was a moment ago
	codeDuplicateInFlight   = 10158
	codeBatchIncomplete     = 10176
	codeBatchDuplicate      = 10201
	codeTooManyBatches      = 10210
)

// apiError is an error that a server answered with.
type apiError struct {
	Status      int    `json:"code"`
	Code        int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string { return fmt.Sprintf("JetStream: %s (%d)", e.Description, e.Code) }

// passing reports whether the server may answer otherwise soon: there is no leader just now, or the same command is being
// stored.
func (e *apiError) passing() bool {
	switch e.Code {
	case codeClusterUnavailable, codeNotLeader, codeMemberDown, codeCreateFailed, codeDuplicateInFlight:
		return true
	}
	return e.Status == 503 && !slices.Contains(full, e.Code)
}

// full are the codes that say that there is no room.
var full = []int{codeInsufficient, codeStorageExceeded, codeAccountExceeded, codeStoreFailed}

// hasCode reports whether err is an answer with one of these codes.
func hasCode(err error, codes ...int) bool {
	var e *apiError
	return errors.As(err, &e) && slices.Contains(codes, e.Code)
}

// call asks the JetStream API, and asks again while it may only be for the moment that there is no answer.
func (c *conn) call(ctx context.Context, name string, request, response any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	return c.retry(ctx, func() error {
		m, err := c.ask(ctx, &nats.Msg{Subject: "$JS.API." + name, Data: body})
		if err != nil {
			return err
		}
		return parseAnswer(m.Data, response)
	})
}

func parseAnswer(data []byte, response any) error {
	var failed struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(data, &failed); err != nil {
		return fmt.Errorf("an answer of the cluster is not readable: %w", err)
	}
	if failed.Error != nil {
		return failed.Error
	}
	if response == nil {
		return nil
	}
	return json.Unmarshal(data, response)
}

// message is one that a stream stores.
type message struct {
	Subject  string `json:"subject"`
	Sequence uint64 `json:"seq"`
	Data     []byte `json:"data"`
}

// selector says which message is meant: that of a sequence, the last one of a subject, or the first one of a subject
// from a sequence on.
type selector struct {
	Sequence uint64 `json:"seq,omitempty"`
	LastOf   string `json:"last_by_subj,omitempty"`
	NextOf   string `json:"next_by_subj,omitempty"`
}

// get asks the leader of a stream for a message, nil if there is none.
func (c *conn) get(ctx context.Context, stream string, s selector) (*message, error) {
	var answer struct {
		Message *message `json:"message"`
	}
	err := c.call(ctx, "STREAM.MSG.GET."+stream, s, &answer)
	if hasCode(err, codeNoMessage) {
		return nil, nil //nolint:nilnil // there is none
	}
	return answer.Message, err
}

// everything is the subject of all messages of a stream.
const everything = ">"
