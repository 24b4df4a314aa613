package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// recheckPause is how long a setting that is not safe is believed to be still there.
const recheckPause = time.Second

// safety is what is known of the settings under which events are stored. They are looked at once for each connection,
// by the first append that goes through it: that costs nothing later, and needs nobody who waits for connections.
type safety struct {
	// turn is held by whoever asks the servers.
	turn chan struct{}
	last atomic.Pointer[finding]
}

// finding is what the servers said of the settings.
type finding struct {
	connection uint64 // number of the connection
	at         time.Time
	err        error // a *SettingError, or nil
}

func newSafety() *safety {
	s := &safety{turn: make(chan struct{}, 1)}
	s.last.Store(new(finding)) // of the first connection, which nobody uses before Open has looked
	return s
}

// found returns what was found on the connection; ok says that it is to be relied on.
func (s *safety) found(connection uint64) (ok bool, err error) {
	f := s.last.Load()
	return f.connection == connection && (f.err == nil || time.Since(f.at) < recheckPause), f.err
}

// number counts the connections, from 0.
func (c *conn) number() uint64 { return c.nc.Stats().Reconnects }

// safe reports, as a *SettingError, the setting under which what is appended could be lost. Its other errors say that
// nobody answered.
func (l *Log) safe(ctx context.Context) error {
	if ok, err := l.safety.found(l.conn.number()); ok {
		return err
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case l.safety.turn <- struct{}{}:
		defer func() { <-l.safety.turn }()
	case <-timer.C:
		return unavailable(errNoAnswer)
	case <-ctx.Done():
		return ctx.Err()
	case <-l.conn.done:
		return cqrs.ErrClosed
	}
	number := l.conn.number()
	if ok, err := l.safety.found(number); ok {
		return err
	}
	err := l.verify(ctx)
	if err == nil || errors.As(err, new(*SettingError)) {
		l.safety.last.Store(&finding{number, time.Now(), err})
	}
	return err
}

// verify compares the settings of the server, and of the stream with the events, with what they must be.
func (l *Log) verify(ctx context.Context) error {
	if err := l.checkPayload(); err != nil {
		return err
	}
	wanted := l.options.logConfig(l.names)
	return l.conn.retry(ctx, func() error {
		has, err := l.settings(ctx, l.names.logStream())
		if hasCode(err, codeStreamNotFound) {
			// Servers that were just started may not know of it yet.
			return fmt.Errorf("%w: %w", errUnsent, &MissingStreamError{Stream: l.names.logStream()})
		}
		if err != nil {
			return fmt.Errorf("look at the settings of the JetStream stream %s: %w", l.names.logStream(), err)
		}
		return wanted.check(has)
	})
}
