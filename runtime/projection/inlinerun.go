package projection

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// NotInlineError says that a projection can't change its rows in the transactions that store the events.
type NotInlineError struct {
	Projection string
	// Sink is the name of the store that was meant to have the rows.
	Sink   string
	Reason string
}

func (e *NotInlineError) Error() string {
	return fmt.Sprintf("projection %s is inline, and its store, %s, can't be used for that: %s",
		e.Projection, e.Sink, e.Reason)
}

// RefusedError refuses a command whose events an inline projection can't fold. Nothing was stored. Err is what would
// have stopped a projection that follows the log: a *FoldError, or a *RowError.
type RefusedError struct {
	Projection string
	Err        error
}

func (e *RefusedError) Error() string {
	var fold *FoldError
	if errors.As(e.Err, &fold) {
		return fmt.Sprintf("nothing was stored: inline projection %s %s", e.Projection, fold.failure())
	}
	return fmt.Sprintf("nothing was stored: inline projection %s: %v", e.Projection, e.Err)
}

func (e *RefusedError) Unwrap() error { return e.Err }

// InactiveError refuses a command whose events an inline projection folds: this program folds them into one generation
// of the read model, and another one is active. Nothing was stored. Either the program is older than the active
// generation: deploy the release that made it. Or it is newer, and its generation is not promoted yet: commands are for
// the release before until it is.
type InactiveError struct {
	Projection string
	// Generation is the program's, Active the one that queries are answered from.
	Generation, Active string
}

func (e *InactiveError) Error() string {
	return fmt.Sprintf("inline projection %s: this program writes generation %s and generation %s is active, so that "+
		"nothing was stored: deploy the release of the active one, or promote this program's once it is built",
		e.Projection, e.Generation, e.Active)
}

// BehindError refuses a command whose events an inline projection folds: its read model is too far behind the log to
// be brought up to date in the transaction of an append, because programs that do not know the projection have
// appended. Nothing was stored. Run and CatchUp bring it up to date.
type BehindError struct {
	Projection string
	// Position is that of the read model, Head that of the log.
	Position, Head cqrs.Position
}

func (e *BehindError) Error() string {
	return fmt.Sprintf("inline projection %s: its read model is at position %d, and the log at %d, which is too far for "+
		"an append to make good, so that nothing was stored: run the projection until it is up to date",
		e.Projection, e.Position, e.Head)
}

// Inline lets the group's inline projections change their rows in the transactions in which the log stores events, from
// now on: those of this process's appends, whoever makes them, until Close. Of a projection that is kept in several
// stores that is so for the first one; the others follow the log. New comes before.
//
// What the log holds already, if that is much, Run or CatchUp folds like those of any other projection; appends take
// over once the generation is built and active. As long as a projection has never been built, appends are not held up by it.
//
// The error is a *NotInlineError if the log is no eventlog.InlineLog, or a store no readmodel.InlineStore in the same
// database.
func (g *Group) Inline() error {
	joined := map[string]bool{}
	for _, r := range g.Runners() {
		p, ok := r.(interface{ join() (func(), error) })
		if !ok || joined[r.Name()] {
			continue
		}
		leave, err := p.join()
		if err != nil {
			g.Close()
			return err
		}
		if leave != nil {
			g.leaving(leave)
			joined[r.Name()] = true
		}
	}
	return nil
}

// join lets an inline projection take part in the log's transactions; leave is nil for any other one.
func (p *Projector[K, R]) join() (leave func(), err error) {
	if !p.def.Inline {
		return nil, nil
	}
	stores, err := readmodel.StoresOf(p.store, p.def.Name)
	if err != nil {
		return nil, err
	}
	refuse := func(format string, args ...any) error {
		return &NotInlineError{Projection: p.def.Name, Sink: stores[0].Name(), Reason: fmt.Sprintf(format, args...)}
	}
	log, ok := inlineLog(p.log)
	if !ok {
		return nil, refuse("nobody can take part in the transactions of a %T", p.log)
	}
	store, ok := stores[0].(readmodel.InlineStore)
	if !ok {
		return nil, refuse("it can't take part in transactions of others")
	}
	if there, here := log.Database(), store.Database(); there != here {
		return nil, refuse("the log is in %s, and the read model in %s", there, here)
	}
	p.inline = newInliner(log, store, &p.def, p.status.inlined)
	p.status.change(func(s *Status) { s.Inline = true })
	return log.Inline(p.inline), nil
}

// inlineLog finds the log whose transactions others can take part in, behind one that reads from copies, say.
func inlineLog(log eventlog.Log) (eventlog.InlineLog, bool) {
	for {
		if found, ok := log.(eventlog.InlineLog); ok {
			return found, true
		}
		wrapped, ok := log.(interface{ Unwrap() eventlog.Log })
		if !ok {
			return nil, false
		}
		log = wrapped.Unwrap()
	}
}

// leaving notes what Close calls.
func (g *Group) leaving(leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave = append(g.leave, leave)
}

// Close ends the part that inline projections have in the log's transactions. It is called when nothing is appended any
// more. The log stays open: it is the caller's.
func (g *Group) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, leave := range g.leave {
		leave()
	}
	g.leave = nil
}

// inlineStep is how long a projector folds before it writes, while appends to the same database have to wait for each
// of its writes.
const inlineStep = 50 * time.Millisecond

// inlinePause is how often it is looked whether the generation is the active one, and whether it has all of the log.
const inlinePause = 100 * time.Millisecond

// runInline builds the read model, and keeps an eye on it while appends write it.
func (p *Projector[K, R]) runInline(ctx context.Context) error {
	for ctx.Err() == nil {
		active, err := p.isActive(ctx)
		if err == nil && active {
			err = p.watchInline(ctx)
		} else if err == nil {
			err = p.buildInline(ctx)
		}
		if err != nil && ctx.Err() == nil {
			return p.wrap(err)
		}
	}
	return nil
}

// isActive reports whether this program's generation is the active one.
func (p *Projector[K, R]) isActive(ctx context.Context) (bool, error) {
	all, err := p.store.Generations(ctx, p.def.Name)
	for i := range all {
		if all[i].Schema.Fingerprint == p.def.Codec.Schema.Fingerprint {
			return all[i].Active, err
		}
	}
	return false, err
}

// buildInline follows the log like any other projection, until the generation is active.
func (p *Projector[K, R]) buildInline(ctx context.Context) error {
	building, done := context.WithCancel(ctx)
	defer done()
	failed := make(chan error, 1)
	go func() {
		defer done()
		failed <- p.awaitActive(building)
	}()
	err := p.work(building, (*worker[K, R]).follow, nil)
	if building.Err() != nil && errors.Is(err, building.Err()) {
		err = nil
	}
	done()
	return errors.Join(err, <-failed)
}

// awaitActive returns when the generation is active, or ctx ends.
func (p *Projector[K, R]) awaitActive(ctx context.Context) error {
	for pause(ctx, inlinePause) {
		active, err := p.isActive(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if active || err != nil {
			return err
		}
	}
	return nil
}

// watchInline brings the read model up to date where a program that does not know the projection has appended. It
// returns when the generation is no longer the active one.
func (p *Projector[K, R]) watchInline(ctx context.Context) error {
	p.group.joined(p) // it reads nothing
	p.status.phase(Live)
	defer p.status.phase(Idle)
	for {
		if err := p.makeGood(ctx); err != nil || !pause(ctx, inlinePause) {
			return err
		}
		if active, err := p.isActive(ctx); err != nil || !active {
			return err
		}
	}
}

// makeGood folds what appends have left out.
func (p *Projector[K, R]) makeGood(ctx context.Context) error {
	table, err := p.store.Table(ctx, &p.def.Codec.Schema)
	if err != nil {
		return err
	}
	at, err := table.Checkpoint(ctx)
	if err != nil {
		return err
	}
	head, err := p.log.Head(ctx)
	if err != nil {
		return err
	}
	p.status.change(func(s *Status) { s.Head = max(s.Head, head) })
	if head <= at.Position {
		return nil
	}
	if head-at.Position > inlineGap {
		if err := p.work(ctx, (*worker[K, R]).catchUp, nil); err != nil {
			return err
		}
	}
	return p.inline.log.Settle(ctx)
}

// pause reports whether the time has passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// inlined takes over what a transaction made of an inline read model, or why it refuses commits.
func (t *tracker) inlined(at readmodel.Checkpoint, refusal error) {
	t.change(func(s *Status) {
		if errors.As(refusal, new(*InactiveError)) {
			s.Active = false // which is nothing that stops a projector
			return
		}
		if refusal != nil {
			s.Err, s.Error = refusal, refusal.Error()
			return
		}
		s.Position, s.Handled, s.Built, s.Active, s.Err, s.Error = at.Position, at.Handled, at.Built, true, nil, ""
		s.Head, s.Total, t.kept = max(s.Head, at.Position), max(s.Total, at.Handled), at.Handled
	})
}

// catchUpInline is CatchUp. What appends write needs no catching up; what they leave to a projector may.
func (p *Projector[K, R]) catchUpInline(ctx context.Context) error {
	active, err := p.isActive(ctx)
	if err == nil && !active {
		if err = p.inline.log.Settle(ctx); err == nil {
			active, err = p.isActive(ctx)
		}
	}
	if err != nil {
		return p.wrap(err)
	}
	if !active {
		if err := p.work(ctx, (*worker[K, R]).catchUp, nil); err != nil {
			return err
		}
	}
	return p.wrap(p.makeGood(ctx))
}
