package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// ReadModels is an App that has projections.
type ReadModels interface {
	// Projectors returns what would keep each read model up to date, one for each sink that it is kept in. None is run.
	Projectors() []projection.Runner
}

// generationReport is one generation of a read model in one sink, as its status is known from the sink and the log.
type generationReport struct {
	Kind string `json:"kind"` // "projection"
	projection.Status
	// Own says that this program's model means this generation: it is what this program projects into.
	Own bool `json:"own"`
	// Created and Promoted are by the sink's clock; nil if it is not there, and if it was never promoted.
	Created  *time.Time `json:"created,omitempty"`
	Promoted *time.Time `json:"promoted,omitempty"`
	// Unknown says that the sink did not answer, and Error why: nothing else is known then.
	Unknown bool `json:"unknown,omitempty"`
	// Next says what the generation waits for that only an operator can do.
	Next string `json:"next,omitempty"`
	// Age is how long ago the process that projects into it said so, in nanoseconds; 0 if none does.
	Age time.Duration `json:"age,omitempty"`
}

// state is what a generation is good for.
func (r *generationReport) state() string {
	switch {
	case r.Unknown:
		return "unknown"
	case r.Created == nil:
		return "none"
	case r.Active:
		return "active"
	case r.Built:
		return "built"
	}
	return "building"
}

// openModels opens the log and the read models, and wires the model over them.
func (s *session) openModels(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	rows, err := s.Rows(ctx)
	if err != nil {
		return err // with which rows may be a pointer to nothing
	}
	s.rows = rows
	app, err := s.App(ctx, s.log, rows)
	if err != nil {
		return err
	}
	s.app = app
	models, ok := app.(ReadModels)
	if !ok {
		return fmt.Errorf("%w: the model has no projections", errUsage)
	}
	s.runners, err = chosen(models.Projectors(), s.args, s.sink)
	return err
}

// chosen returns the runners of a projection and a sink, of all where neither is named.
func chosen(all []projection.Runner, args []string, sink string) ([]projection.Runner, error) {
	var found, named []projection.Runner
	for _, r := range all {
		if len(args) == 0 || r.Name() == args[0] {
			named = append(named, r)
			if sink == "" || r.Store().Name() == sink {
				found = append(found, r)
			}
		}
	}
	switch {
	case len(named) == 0:
		return nil, fmt.Errorf("%w: there is no projection %s, but %s", errUsage, args[0], names(all, projection.Runner.Name))
	case len(found) == 0:
		return nil, fmt.Errorf("%w: there is no sink %s, but %s", errUsage, sink,
			names(named, func(r projection.Runner) string { return r.Store().Name() }))
	}
	return found, nil
}

// names lists what runners are called, each name once.
func names(runners []projection.Runner, name func(projection.Runner) string) string {
	var list []string
	for _, r := range runners {
		if n := name(r); !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return strings.Join(list, ", ")
}

func projectionsStatus(ctx context.Context, s *session) error {
	if err := s.openModels(ctx); err != nil {
		return err
	}
	if s.live {
		return s.watch(ctx)
	}
	reports, failures := s.generations(ctx)
	if err := s.reportGenerations(reports); err != nil {
		return err
	}
	return cmp.Or(failures, stoppedFinding(reports))
}

// stoppedFinding says which projections stopped, if any did. What another release left behind, and nobody reads, is none.
func stoppedFinding(reports []generationReport) error {
	var stopped []string
	for i := range reports {
		if r := &reports[i]; r.Phase == projection.Stopped && (r.Own || r.Active) {
			stopped = append(stopped, r.Projection+" in "+r.Sink)
		}
	}
	if len(stopped) == 0 {
		return nil
	}
	return &findingsError{"stopped: " + strings.Join(stopped, ", ")}
}

// generations looks at all generations of the chosen projections. Where a store does not answer, that is reported in their
// place, and the error says so too.
func (s *session) generations(ctx context.Context) ([]generationReport, error) {
	head, err := s.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	found, errs := make([][]generationReport, len(s.runners)), make([]error, len(s.runners))
	var wg sync.WaitGroup
	for i, r := range s.runners {
		wg.Go(func() { found[i], errs[i] = s.generationsOf(ctx, r, head) })
	}
	wg.Wait()
	return slices.Concat(found...), errors.Join(errs...)
}

// storeTime is how long a store may take to answer.
const storeTime = 5 * time.Second

func (s *session) generationsOf(ctx context.Context, r projection.Runner, head cqrs.Position) ([]generationReport, error) {
	asking, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	found, err := r.Store().Generations(asking, r.Name())
	as := r.Status()
	own := generationReport{Kind: "projection", Own: true, Status: projection.Status{
		Projection: r.Name(), Sink: r.Store().Name(), Generation: r.Schema().Fingerprint, Head: head,
		Manual: as.Manual, Inline: as.Inline,
	}}
	if err != nil {
		own.Phase, own.Error, own.Unknown = projection.Waiting, err.Error(), true
		return []generationReport{own}, inSink(r, err)
	}
	var list []generationReport
	there := false
	for i := range found {
		report := reportOf(&found[i], own.Sink, head)
		if report.Own = report.Generation == own.Generation; report.Own {
			there, report.Manual, report.Inline = true, own.Manual, own.Inline
		}
		list = append(list, report)
	}
	if !there {
		list = append(list, own)
	}
	for i := range list {
		if err := s.measure(ctx, r, &list[i]); err != nil {
			return nil, err
		}
		list[i].Next = s.next(&list[i])
	}
	return list, nil
}

// inSink says of an error in which store it was.
func inSink(r projection.Runner, err error) error {
	return fmt.Errorf("%s in %s: %w", r.Name(), r.Store().Name(), err)
}

// next says what a generation waits for that only an operator can do; it is empty for one that waits for nobody.
func (s *session) next(r *generationReport) string {
	switch {
	case !r.Own || !r.Built || r.Active || r.Error != "" || r.Phase == projection.Verifying:
		return ""
	case r.Promoted != nil:
		return fmt.Sprintf("it was active once, and is not promoted again by itself: %s projections promote %s", s.Name, r.Projection)
	case r.Manual:
		return fmt.Sprintf("it waits for an operator: %s projections verify %[2]s, then %[1]s projections promote %[2]s",
			s.Name, r.Projection)
	}
	return ""
}

// reportOf puts together what a sink knows of a generation. While somebody projects into it, that is what they said last.
func reportOf(g *readmodel.Generation, sink string, head cqrs.Position) generationReport {
	r := generationReport{Kind: "projection", Status: projection.Reported(g), Created: &g.Created}
	if !g.Promoted.IsZero() {
		r.Promoted = &g.Promoted
	}
	r.Sink, r.Head = sink, max(head, r.Position)
	if r.Holder == "" {
		return r
	}
	if r.Age = max(0, g.Asked.Sub(r.At)); r.Age >= silence {
		r.Rate, r.ETA = 0, 0
	}
	return r
}

// silence is how long ago a process may have said something for that to pass for how it is now.
const silence = 3 * time.Second

// measure compares a generation with the log, where nobody says how far it is, or said so before the log had what it has
// now. Events count if they are of the types that the projection handles; of another release's nobody knows these, so that
// any event is one that it may not reflect.
func (s *session) measure(ctx context.Context, r projection.Runner, g *generationReport) error {
	if g.Position >= g.Head || g.Holder != "" && g.Lag > 0 {
		return nil
	}
	behind := eventlog.Query{After: g.Position}
	if g.Own {
		behind.Types = r.Events()
	}
	for rec, err := range s.log.Read(ctx, behind) {
		if err != nil {
			return err
		}
		g.Behind = max(0, time.Since(rec.Time))
		return s.count(ctx, r, g)
	}
	return nil
}

// count asks the log how many events a generation has to reflect.
func (s *session) count(ctx context.Context, r projection.Runner, g *generationReport) error {
	if !g.Own {
		return nil
	}
	total, err := s.log.Count(ctx, r.Events()...)
	if err != nil {
		return err
	}
	g.Total = max(total, g.Handled)
	g.Lag = g.Total - g.Handled
	return nil
}

// reportGenerations prints a table, or with --json an object for each generation.
func (s *session) reportGenerations(reports []generationReport) error {
	if s.json {
		for i := range reports {
			if err := s.report(&reports[i], ""); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := fmt.Fprint(s.Stdout, table(reports))
	return err
}

// table writes the reports for people. What has no holder is not moving.
func table(reports []generationReport) string {
	name, sink := len("PROJECTION"), len("SINK")
	for i := range reports {
		name, sink = max(name, len(reports[i].Projection)), max(sink, len(reports[i].Sink))
	}
	var b strings.Builder
	row := func(cells ...any) {
		line := fmt.Sprintf(fmt.Sprintf("%%-%ds  %%-%ds  %%-16s  %%-8s  %%-11s  %%s", name, sink), cells...)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	row("PROJECTION", "SINK", "GENERATION", "STATE", "PHASE", "")
	for i := range reports {
		r := &reports[i]
		row(r.Projection, r.Sink, r.Generation, r.state(), r.Phase, cmp.Or(progressOf(r), positionOf(r)))
		if r.Error != "" {
			fmt.Fprintf(&b, "  %s\n", r.Error)
		}
		if r.Next != "" {
			fmt.Fprintf(&b, "  %s\n", r.Next)
		}
	}
	return b.String()
}

// progressOf shows how far a generation is on its way; it is empty for one that is there.
func progressOf(r *generationReport) string {
	if r.Phase != projection.Building && r.Phase != projection.CatchingUp || r.Total == 0 {
		return ""
	}
	text := fmt.Sprintf("%s  %d of %d events  %.0f/s", drawn(r.Handled, r.Total), r.Handled, r.Total, r.Rate)
	if r.ETA > 0 {
		text += fmt.Sprintf("  ETA %s", r.ETA.Round(time.Second))
	}
	return text + heard(r)
}

// positionOf says where a generation is that is on no way.
func positionOf(r *generationReport) string {
	if r.Unknown {
		return "its store does not answer"
	}
	if r.Created == nil {
		return fmt.Sprintf("%s to fold; this program has not started it yet", counted(r.Total, "event"))
	}
	text := fmt.Sprintf("position %d", r.Position)
	switch {
	case r.Lag > 0 && r.Behind > 0:
		text += fmt.Sprintf(", %s behind, for %s", counted(r.Lag, "event"), r.Behind.Round(time.Millisecond))
	case r.Lag > 0:
		text += fmt.Sprintf(", %s behind", counted(r.Lag, "event"))
	case r.Behind > 0:
		text += fmt.Sprintf(" of %d, behind for %s", r.Head, r.Behind.Round(time.Millisecond))
	case r.Position < r.Head:
		text += fmt.Sprintf(" of %d", r.Head)
	default:
		text += ", up to date"
	}
	if r.Rate > 0 {
		text += fmt.Sprintf(", %.0f/s", r.Rate)
	}
	switch {
	case r.Inline && r.Active && r.Holder == "":
		return text + "; it changes with each append"
	case r.Lost != "":
		return text + fmt.Sprintf("; nobody projects into it since %s died, or lost its store, at %s",
			r.Lost, r.Since.UTC().Format(time.RFC3339))
	case r.Phase == projection.Idle && r.Holder == "":
		return text + "; nobody projects into it"
	}
	return text + heard(r)
}

// heard says who said it, and when, if that is not a moment ago.
func heard(r *generationReport) string {
	if r.Holder == "" {
		return ""
	}
	text := "  by " + r.Holder
	if r.Age >= silence {
		text += fmt.Sprintf(", heard of %s ago", r.Age.Round(time.Second))
	}
	return text
}
