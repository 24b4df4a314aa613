package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// request is one call of Elasticsearch's REST interface. All that the store sends may be sent twice.
type request struct {
	method, path string
	// query is what follows the question mark.
	query string
	// body is sent as JSON; a []byte as it is.
	body any
}

// Error is what Elasticsearch answered instead of a result. Type is that of the exception, as its documentation names
// it.
type Error struct {
	Status       int
	Type, Reason string
}

func (e *Error) Error() string {
	return fmt.Sprintf("the server answered %d %s: %.500s", e.Status, e.Type, e.Reason)
}

// How often something is tried, and how long is waited before it is tried again, at first. A wait doubles each time.
const (
	attempts  = 6
	firstWait = 25 * time.Millisecond
)

// do sends a request, and again if that may help, and reads the answer. Errors: the context's; *Error;
// readmodel.ErrUnavailable if no server answered that could do it.
func (s *Store) do(ctx context.Context, r request, into any) error {
	for attempt := 1; ; attempt++ {
		err := s.once(ctx, r, into)
		if err == nil || !transient(err) {
			return err
		}
		if attempt == attempts {
			return fmt.Errorf("%w: tried %d times: %w", readmodel.ErrUnavailable, attempt, err)
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// pause waits before the next attempt, for a time that differs between processes.
func pause(ctx context.Context, attempt int) error {
	wait := firstWait << (attempt - 1)
	timer := time.NewTimer(wait/2 + rand.N(wait))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// connectionError says that no answer came: what was asked for may have been done.
type connectionError struct{ err error }

func (e *connectionError) Error() string { return e.err.Error() }
func (e *connectionError) Unwrap() error { return e.err }

func transient(err error) bool {
	var answer *Error
	if errors.As(err, &answer) {
		return passing(answer.Status)
	}
	return errors.As(err, new(*connectionError))
}

// passing reports whether what was answered with a status may be done later: the server is busy, starts, or moves data.
func passing(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// mediaType asks a server of version 8 or 9 to behave as version 8 does.
const mediaType = "application/vnd.elasticsearch+json;compatible-with=8"

func (s *Store) once(ctx context.Context, r request, into any) error {
	req, err := newRequest(ctx, r)
	if err != nil {
		return err
	}
	resp, err := s.client.Perform(req)
	if ctx.Err() != nil {
		err = ctx.Err()
	} else if err != nil {
		err = &connectionError{err}
	}
	if err != nil {
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &connectionError{err}
	}
	return readAnswer(resp, body, into)
}

func newRequest(ctx context.Context, r request) (*http.Request, error) {
	target := r.path
	if r.query != "" {
		target += "?" + r.query
	}
	var body []byte
	switch b := r.body.(type) {
	case nil:
	case []byte:
		body = b
	default:
		var err error
		if body, err = json.Marshal(b); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", mediaType)
	if r.body != nil {
		req.Header.Set("Content-Type", mediaType)
	}
	return req, nil
}

func readAnswer(resp *http.Response, body []byte, into any) error {
	if resp.StatusCode >= 300 {
		return readError(resp.StatusCode, body)
	}
	if resp.Header.Get("X-Elastic-Product") != "Elasticsearch" {
		return errors.New("the server is no Elasticsearch: its answer does not say so")
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the answer of Elasticsearch can't be read: %w", err)
	}
	return nil
}

// readError reads an error, which is an object or, of some interfaces, a text. The answer that a document does not exist
// has none.
func readError(status int, body []byte) error {
	var answer struct{ Error json.RawMessage }
	e := &Error{Status: status, Reason: http.StatusText(status)}
	if json.Unmarshal(body, &answer) != nil || len(answer.Error) == 0 {
		return e
	}
	var cause struct{ Type, Reason string }
	if json.Unmarshal(answer.Error, &cause) == nil {
		e.Type, e.Reason = cause.Type, cause.Reason
	} else {
		e.Reason = strings.Trim(string(answer.Error), `"`)
	}
	return e
}

// failed reports whether a server answered with a type of exception.
func failed(err error, kind string) bool {
	var e *Error
	return errors.As(err, &e) && e.Type == kind
}

// notFound reports whether a document does not exist.
func notFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && e.Type == ""
}

// conflict reports whether a document has another version than was expected.
func conflict(err error) bool { return failed(err, "version_conflict_engine_exception") }
