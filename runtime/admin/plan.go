package admin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/generation"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// What log plan measures with: the beginning of the log, up to so many events or so much time to read them, and so many
// snapshots, or so much time to look at them.
const (
	sampleEvents    = 100_000
	sampleSnapshots = 1_000
	sampleTime      = 2 * time.Second
)

// sampleReport is what was read of the log, once, to measure.
type sampleReport struct {
	Kind string `json:"kind"` // "sample"
	// Events and Bytes, of payload, are those up to Through; Total is the number of events of the log up to Head.
	Events  int64         `json:"events"`
	Bytes   int64         `json:"bytes"`
	Through cqrs.Position `json:"through"`
	Total   int64         `json:"total"`
	Head    cqrs.Position `json:"head"`
	// Took is how long that was, in nanoseconds.
	Took time.Duration `json:"took"`

	types map[string]*plannedType
}

// plannedType counts the events of a type.
type plannedType struct {
	Kind   string `json:"kind"` // "events"
	Type   string `json:"type"`
	Events int64  `json:"events"`
	// Bytes, of payload, are extrapolated from the sample; 0 if it has none of the type.
	Bytes int64 `json:"bytes"`

	sampled, sampledBytes int64
}

// plannedProjection is what this release does to a read model in a sink.
type plannedProjection struct {
	Kind       string `json:"kind"` // "plan"
	Projection string `json:"projection"`
	Sink       string `json:"sink"`
	// Action is "nothing", "build", "rebuild", "finish", "promote" or "left".
	Action string `json:"action"`
	// Generation is what this release means, Active what answers queries now.
	Generation string `json:"generation,omitempty"`
	Active     string `json:"active,omitempty"`
	// Next says why a generation that is built is not promoted by itself, and what an operator can do; empty if it is.
	Next string `json:"next,omitempty"`
	// Events are those that it has to fold, Rate how many a second were folded of the sample, ETA the time that all of them
	// would take, in nanoseconds; both are 0 if nothing was measured.
	Events int64         `json:"events"`
	Rate   float64       `json:"rate,omitempty"`
	ETA    time.Duration `json:"eta,omitempty"`
}

// plannedTogether is what all that is to be built takes in one scan.
type plannedTogether struct {
	Kind        string        `json:"kind"` // "together"
	Projections int           `json:"projections"`
	Events      int64         `json:"events"`
	ETA         time.Duration `json:"eta"`
}

// plannedSnapshots is what becomes of snapshots, by the first of them.
type plannedSnapshots struct {
	Kind   string `json:"kind"` // "snapshots"
	Looked int64  `json:"looked"`
	// Stale are of another state than this release's, and not used any more.
	Stale int64 `json:"stale"`
	All   bool  `json:"all"`
}

// measured is how long a projection takes for the sample.
type measured struct {
	read, fold time.Duration
	handled    int64
}

// planRelease says what this program's release does to what the stores hold.
func planRelease(ctx context.Context, s *session) error {
	if err := s.openModels(ctx); err != nil {
		return err
	}
	sample, err := s.sample(ctx)
	if err != nil {
		return err
	}
	plans, err := s.plans(ctx)
	if err != nil {
		return err
	}
	together, err := s.estimate(ctx, sample, plans)
	if err != nil {
		return err
	}
	left, err := s.leftBehind(ctx)
	if err != nil {
		return err
	}
	kept, err := s.lookAtSnapshots(ctx)
	if err != nil {
		return err
	}
	types, err := s.plannedTypes(ctx, sample)
	if err != nil {
		return err
	}
	return s.reportPlan(sample, types, append(plans, left...), together, kept)
}

// sample reads the beginning of the log.
func (s *session) sample(ctx context.Context) (*sampleReport, error) {
	r := &sampleReport{Kind: "sample", types: map[string]*plannedType{}}
	var err error
	if r.Head, err = s.log.Head(ctx); err != nil {
		return nil, err
	}
	if r.Total, err = s.log.Count(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	for rec, err := range s.log.Read(ctx, eventlog.Query{Through: r.Head}) {
		if err != nil {
			return nil, err
		}
		t := r.types[rec.Type]
		if t == nil {
			t = &plannedType{Kind: "events", Type: strings.Clone(rec.Type)}
			r.types[t.Type] = t
		}
		t.sampled++
		t.sampledBytes += int64(len(rec.Data))
		r.Events, r.Bytes, r.Through = r.Events+1, r.Bytes+int64(len(rec.Data)), rec.Position
		if r.Events == sampleEvents || r.Events%looked == 0 && time.Since(began) > sampleTime {
			break
		}
	}
	r.Took = time.Since(began)
	return r, nil
}

// plannedTypes counts the events of the types that the sample has, or that the model folds.
func (s *session) plannedTypes(ctx context.Context, r *sampleReport) ([]*plannedType, error) {
	for _, p := range s.runners {
		for _, name := range p.Events() {
			if r.types[name] == nil && name != cqrs.Replaced {
				r.types[name] = &plannedType{Kind: "events", Type: name}
			}
		}
	}
	list := slices.SortedFunc(maps.Values(r.types), func(a, b *plannedType) int { return cmp.Compare(a.Type, b.Type) })
	for _, t := range list {
		var err error
		if t.Events, err = s.log.Count(ctx, t.Type); err != nil {
			return nil, err
		}
		if t.sampled > 0 {
			t.Bytes = int64(float64(t.sampledBytes) / float64(t.sampled) * float64(t.Events))
		}
	}
	return list, nil
}

// plans compares this program's generations with what the sinks hold.
func (s *session) plans(ctx context.Context) ([]*plannedProjection, error) {
	var list []*plannedProjection
	for _, r := range s.runners {
		asking, cancel := context.WithTimeout(ctx, storeTime)
		found, err := r.Store().Generations(asking, r.Name())
		cancel()
		if err != nil {
			return nil, inSink(r, err)
		}
		p := &plannedProjection{
			Kind: "plan", Projection: r.Name(), Sink: r.Store().Name(), Generation: r.Schema().Fingerprint,
			Action: actionOf(found, r.Schema().Fingerprint),
		}
		for i := range found {
			if found[i].Active {
				p.Active = found[i].Schema.Fingerprint
			}
		}
		if p.Action == "promote" {
			p.Next = s.unpromoted(found, r)
		}
		if p.Events, err = s.log.Count(ctx, r.Events()...); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// actionOf says what a release does whose generation has the fingerprint.
func actionOf(found []readmodel.Generation, own string) string {
	for i := range found {
		if g := &found[i]; g.Schema.Fingerprint == own {
			switch {
			case g.Active:
				return "nothing"
			case g.Checkpoint.Built:
				return "promote"
			}
			return "finish"
		}
	}
	if len(found) > 0 {
		return "rebuild"
	}
	return "build"
}

// unpromoted says why this program's generation, which is built, is not promoted by itself; it is empty for one that is.
func (s *session) unpromoted(found []readmodel.Generation, r projection.Runner) string {
	own := slices.IndexFunc(found, func(g readmodel.Generation) bool { return g.Schema.Fingerprint == r.Schema().Fingerprint })
	report := reportOf(&found[own], r.Store().Name(), 0)
	report.Own, report.Manual = true, r.Status().Manual
	if report.Error != "" {
		return report.Error
	}
	if next := s.next(&report); next != "" {
		return next
	}
	if own < slices.IndexFunc(found, func(g readmodel.Generation) bool { return g.Active }) {
		return fmt.Sprintf("it was made before the one that is active, and is not promoted by itself: %s projections promote %s",
			s.Name, r.Name())
	}
	return ""
}

// builds reports whether a projection reads the log from its beginning.
func (p *plannedProjection) builds() bool {
	return p.Action == "build" || p.Action == "rebuild" || p.Action == "finish"
}

// estimate folds the sample into memory for each projection that is to be built, and extrapolates. Reading is measured apart,
// since those that are built together share it.
func (s *session) estimate(ctx context.Context, sample *sampleReport, plans []*plannedProjection) (*plannedTogether, error) {
	known := map[string]*measured{}
	types := map[string]bool{}
	var folding time.Duration
	for i, p := range plans {
		source, ok := s.runners[i].(generation.Source)
		if !p.builds() || !ok || p.Events == 0 || sample.Events == 0 {
			continue
		}
		m := known[p.Projection]
		if m == nil {
			var err error
			if m, err = s.measureFolds(ctx, source, s.runners[i].Events(), sample.Through); err != nil {
				return nil, err
			}
			known[p.Projection] = m
		}
		if m.handled == 0 {
			continue
		}
		p.Rate = float64(m.handled) / max((m.read+m.fold).Seconds(), 1e-9)
		p.ETA = scaled(m.read+m.fold, p.Events, m.handled)
		folding += scaled(m.fold, p.Events, m.handled)
		for _, name := range s.runners[i].Events() {
			types[name] = true
		}
	}
	if len(known) == 0 || len(types) == 0 {
		return nil, nil
	}
	names := slices.Sorted(maps.Keys(types))
	total, err := s.log.Count(ctx, names...)
	if err != nil {
		return nil, err
	}
	read, handled, err := s.timeReading(ctx, names, sample.Through)
	if err != nil {
		return nil, err
	}
	return &plannedTogether{
		Kind: "together", Projections: len(known), Events: total, ETA: folding + scaled(read, total, handled),
	}, nil
}

// scaled is the time that total events take if some of them took so long.
func scaled(took time.Duration, total, handled int64) time.Duration {
	return time.Duration(float64(took) * float64(total) / float64(max(handled, 1)))
}

// measureFolds folds events of the sample into rows in memory, through the folds of the model.
func (s *session) measureFolds(ctx context.Context, source generation.Source, types []string, through cqrs.Position) (*measured, error) {
	read, handled, err := s.timeReading(ctx, types, through)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	err = source.Refold(ctx, through, readmodel.Refolding{
		UpTo:  func([]readmodel.Value) cqrs.Position { return through },
		Found: func(_, _ []readmodel.Value) error { return nil },
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source.Name(), err)
	}
	return &measured{read: read, fold: max(0, time.Since(began)-read), handled: handled}, nil
}

// timeReading reads events of the sample, and does nothing with them.
func (s *session) timeReading(ctx context.Context, types []string, through cqrs.Position) (time.Duration, int64, error) {
	began, handled := time.Now(), int64(0)
	for _, err := range s.log.Read(ctx, eventlog.Query{Through: through, Types: types}) {
		if err != nil {
			return 0, 0, err
		}
		handled++
	}
	return time.Since(began), handled, nil
}

// leftBehind finds the read models in the sinks that the model does not have any more.
func (s *session) leftBehind(ctx context.Context) ([]*plannedProjection, error) {
	own := map[string]bool{}
	for _, r := range s.runners {
		own[r.Name()] = true
	}
	var list []*plannedProjection
	for _, r := range s.runners {
		store := r.Store()
		asking, cancel := context.WithTimeout(ctx, storeTime)
		found, err := store.Generations(asking, "")
		cancel()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", store.Name(), err)
		}
		for i := range found {
			if g := &found[i]; !own[g.Schema.Projection] {
				p := &plannedProjection{Kind: "plan", Projection: g.Schema.Projection, Sink: store.Name(), Action: "left"}
				if g.Active {
					p.Active = g.Schema.Fingerprint
				}
				list = append(list, p)
			}
		}
	}
	slices.SortFunc(list, func(a, b *plannedProjection) int {
		return cmp.Or(cmp.Compare(a.Projection, b.Projection), cmp.Compare(a.Sink, b.Sink), -cmp.Compare(a.Active, b.Active))
	})
	return slices.CompactFunc(list, func(a, b *plannedProjection) bool { return a.Projection == b.Projection && a.Sink == b.Sink }), nil
}

// lookAtSnapshots verifies the first snapshots.
func (s *session) lookAtSnapshots(ctx context.Context) (*plannedSnapshots, error) {
	r := &plannedSnapshots{Kind: "snapshots", All: true}
	snapshots := s.app.VerifySnapshots(ctx)
	if snapshots == nil {
		return r, nil
	}
	began := time.Now()
	for f, err := range snapshots {
		if err != nil {
			return nil, err
		}
		if r.Looked++; f.Verdict == snapshot.Stale {
			r.Stale++
		}
		if r.Looked == sampleSnapshots || time.Since(began) > sampleTime {
			r.All = false
			break
		}
	}
	return r, ctx.Err()
}

func (s *session) reportPlan(
	sample *sampleReport, types []*plannedType, plans []*plannedProjection, together *plannedTogether, kept *plannedSnapshots,
) error {
	if s.json {
		objects := []any{sample}
		for _, t := range types {
			objects = append(objects, t)
		}
		for _, p := range plans {
			objects = append(objects, p)
		}
		if together != nil {
			objects = append(objects, together)
		}
		for _, x := range append(objects, kept) {
			if err := s.report(x, ""); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := fmt.Fprint(s.Stdout, plannedTable(sample, types, plans, together, kept))
	return err
}

// plannedTable writes a plan for people.
func plannedTable(
	sample *sampleReport, types []*plannedType, plans []*plannedProjection, together *plannedTogether, kept *plannedSnapshots,
) string {
	var b strings.Builder
	name, sink := len("PROJECTION"), len("SINK")
	for _, p := range plans {
		name, sink = max(name, len(p.Projection)), max(sink, len(p.Sink))
	}
	row := func(cells ...any) {
		b.WriteString(strings.TrimRight(fmt.Sprintf(fmt.Sprintf("%%-%ds  %%-%ds  %%-8s  %%s", name, sink), cells...), " ") + "\n")
	}
	row("PROJECTION", "SINK", "ACTION", "")
	for _, p := range plans {
		row(p.Projection, p.Sink, p.Action, p.text())
	}
	if together != nil {
		fmt.Fprintf(&b, "\nbuilt together, from one scan of %s: about %s\n", counted(together.Events, "event"), about(together.ETA))
	}
	fmt.Fprintf(&b, "\n%12s  %14s\n", "events", "bytes, about")
	for _, t := range types {
		fmt.Fprintf(&b, "%12d  %14d  %s\n", t.Events, t.Bytes, t.Type)
	}
	b.WriteString("\n" + kept.text() + "\n")
	fmt.Fprintf(&b, "\nMeasured on the first %d of %s: they were read in %s, and folded into memory on one core; the rest is\n"+
		"extrapolated. What a store takes to write the rows comes on top, and more cores make it shorter.\n",
		sample.Events, counted(sample.Total, "event"), about(sample.Took))
	return b.String()
}

// text says which snapshots count on.
func (s *plannedSnapshots) text() string {
	of := "all"
	if !s.All {
		of = "the first"
	}
	switch {
	case s.Looked == 0:
		return "snapshots: there are none"
	case s.Stale == 0:
		return fmt.Sprintf("snapshots: %s %d are of this release's state, and used", of, s.Looked)
	}
	return fmt.Sprintf("snapshots: %d of %s %d are of another state than this release's: they are not used, and replaced in time",
		s.Stale, of, s.Looked)
}

// text says what a release does to a read model.
func (p *plannedProjection) text() string {
	switch p.Action {
	case "nothing":
		return p.Generation + " answers queries, and goes on"
	case "promote":
		if p.Next != "" {
			return fmt.Sprintf("%s is built, and %s answers queries: %s", p.Generation, cmp.Or(p.Active, "nothing"), p.Next)
		}
		return p.Generation + " is built, and is promoted over " + cmp.Or(p.Active, "nothing")
	case "left":
		return cmp.Or(p.Active, "generations") + ": the model has no such projection; the rows stay"
	}
	text := p.Generation
	if p.Active != "" {
		text = p.Active + " -> " + text
	}
	text += ", " + counted(p.Events, "event")
	if p.ETA > 0 {
		text += fmt.Sprintf(", about %s at %.0f/s", about(p.ETA), p.Rate)
	}
	return text
}

// about rounds a time to what an estimate is worth.
func about(d time.Duration) string {
	switch {
	case d > time.Minute:
		return d.Round(time.Second).String()
	case d > time.Second:
		return d.Round(time.Second / 10).String()
	}
	return d.Round(time.Millisecond).String()
}
