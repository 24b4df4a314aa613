package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
	// Age is how long ago the process that projects into it said so, in nanoseconds; 0 if none does.
	Age time.Duration `json:"age,omitempty"`
}

// state is what a generation is good for.
func (r *generationReport) state() string {
	switch {
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
	reports, err := s.generations(ctx)
	if err != nil {
		return err
	}
	if err := s.reportGenerations(reports); err != nil {
		return err
	}
	return stoppedFinding(reports)
}

// stoppedFinding says which projections stopped, if any did.
func stoppedFinding(reports []generationReport) error {
	var stopped []string
	for i := range reports {
		if r := &reports[i]; r.Phase == projection.Stopped {
			stopped = append(stopped, r.Projection+" in "+r.Sink)
		}
	}
	if len(stopped) == 0 {
		return nil
	}
	return &findingsError{"stopped: " + strings.Join(stopped, ", ")}
}

// generations looks at all generations of the chosen projections.
func (s *session) generations(ctx context.Context) ([]generationReport, error) {
	head, err := s.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	var list []generationReport
	for _, r := range s.runners {
		found, err := s.generationsOf(ctx, r, head)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

func (s *session) generationsOf(ctx context.Context, r projection.Runner, head cqrs.Position) ([]generationReport, error) {
	found, err := r.Store().Generations(ctx, r.Name())
	if err != nil {
		return nil, err
	}
	var list []generationReport
	there := false
	for i := range found {
		g := &found[i]
		own := g.Schema.Fingerprint == r.Schema().Fingerprint
		there = there || own
		report := reportOf(g, r.Store().Name(), head, time.Now())
		report.Own = own
		if report.Holder == "" && own {
			if err := s.count(ctx, r, &report); err != nil {
				return nil, err
			}
		}
		list = append(list, report)
	}
	if !there {
		report := generationReport{Kind: "projection", Own: true, Status: projection.Status{
			Projection: r.Name(), Sink: r.Store().Name(), Generation: r.Schema().Fingerprint, Head: head,
		}}
		if err := s.count(ctx, r, &report); err != nil {
			return nil, err
		}
		list = append(list, report)
	}
	return list, nil
}

// reportOf puts together what a sink knows of a generation. While somebody projects into it, that is what they said last.
func reportOf(g *readmodel.Generation, sink string, head cqrs.Position, now time.Time) generationReport {
	r := generationReport{Kind: "projection", Created: &g.Created}
	if !g.Promoted.IsZero() {
		r.Promoted = &g.Promoted
	}
	_ = json.Unmarshal(g.Lease.Report, &r.Status) // a report of another release says less, or nothing
	held := g.Lease.Holder != "" && g.Lease.Until.After(now)
	r.Projection, r.Sink, r.Generation = g.Schema.Projection, sink, g.Schema.Fingerprint
	r.Active, r.Built = g.Active, g.Checkpoint.Built
	r.Position, r.Head = g.Checkpoint.Position, max(head, g.Checkpoint.Position)
	if held {
		r.Holder, r.Age = g.Lease.Holder, max(0, now.Sub(g.Lease.Reported))
		return r
	}
	r.Holder, r.Handled, r.Rate, r.ETA, r.Behind = "", g.Checkpoint.Handled, 0, 0, 0
	r.Total = max(r.Total, r.Handled)
	r.Lag = r.Total - r.Handled
	if r.Phase != projection.Stopped {
		r.Phase, r.Error = projection.Idle, ""
	}
	return r
}

// count asks the log how far a generation that nobody projects into is behind.
func (s *session) count(ctx context.Context, r projection.Runner, g *generationReport) error {
	total, err := s.log.Count(ctx, r.Events()...)
	if err != nil {
		return err
	}
	g.Total = max(total, g.Handled)
	g.Lag = g.Total - g.Handled
	if g.Lag == 0 {
		return nil
	}
	for rec, err := range s.log.Read(ctx, eventlog.Query{After: g.Position, Types: r.Events()}) {
		if err != nil {
			return err
		}
		g.Behind = max(0, time.Since(rec.Time))
		break
	}
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
	if r.Created == nil {
		return fmt.Sprintf("%s to fold; this program has not started it yet", counted(r.Total, "event"))
	}
	text := fmt.Sprintf("position %d", r.Position)
	switch {
	case r.Lag > 0 && r.Behind > 0:
		text += fmt.Sprintf(", %s behind, for %s", counted(r.Lag, "event"), r.Behind.Round(time.Millisecond))
	case r.Lag > 0:
		text += fmt.Sprintf(", %s behind", counted(r.Lag, "event"))
	case r.Position < r.Head:
		text += fmt.Sprintf(" of %d", r.Head)
	default:
		text += ", up to date"
	}
	if r.Rate > 0 {
		text += fmt.Sprintf(", %.0f/s", r.Rate)
	}
	if r.Holder == "" && r.Phase != projection.Stopped {
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
	if r.Age >= 3*time.Second {
		text += fmt.Sprintf(", heard of %s ago", r.Age.Round(time.Second))
	}
	return text
}
