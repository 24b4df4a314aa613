// Package metrics gives the status of a service's projections to OpenTelemetry: how far each read model is behind, how
// fast it moves, what it is doing, and whether it stopped.
//
//	registration, err := metrics.Register(otel.Meter("example.com/tickets"), app)
//
// Nothing is measured until something collects, and nothing at all without Register. Each read model has the attributes
// "projection" and "sink".
//
// It needs the API of OpenTelemetry alone: which exporter there is, is up to the program.
package metrics

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/cqrsgen/cqrsgen/runtime/projection"
)

// Source is what is measured: the App of a bounded context, or a projection.Group. Its method is called whenever something
// collects, and must be safe for concurrent use.
type Source interface {
	Status() []projection.Status
}

// The names of the instruments, all of which are gauges.
const (
	// Position is that of the read model, Head that of the log when its projection looked last.
	Position = "cqrsgen.projection.position"
	Head     = "cqrsgen.projection.head"
	// Handled counts the events that were folded since the log's start. It starts again with a new generation.
	Handled = "cqrsgen.projection.handled"
	// Lag counts the events that are known to be in the log and not folded yet.
	Lag = "cqrsgen.projection.lag"
	// Behind is how many seconds ago the oldest event that is not folded yet was decided.
	Behind = "cqrsgen.projection.behind"
	// Rate is in events per second, over the last seconds; ETA in seconds, 0 where it is not known or over.
	Rate = "cqrsgen.projection.rate"
	ETA  = "cqrsgen.projection.eta"
	// Phase is 1 for the phase that the projection is in and 0 for the others, by the attribute "phase".
	Phase = "cqrsgen.projection.phase"
	// Stopped is 1 while an error keeps the projection from going on, and else 0.
	Stopped = "cqrsgen.projection.stopped"
	// Generation is 1, with the attributes "generation", "built" and "active" of what this process keeps up to date.
	Generation = "cqrsgen.projection.generation"
)

// Register makes the instruments and lets them observe the source, until the registration is unregistered.
func Register(meter metric.Meter, source Source) (metric.Registration, error) {
	i := new(instruments)
	i.gauge(meter, &i.position, Position, "Position of the read model.", "")
	i.gauge(meter, &i.head, Head, "Position of the log's head.", "")
	i.gauge(meter, &i.handled, Handled, "Events folded since the start of the log.", "{event}")
	i.gauge(meter, &i.lag, Lag, "Events in the log that are not folded yet.", "{event}")
	i.seconds(meter, &i.behind, Behind, "Age of the oldest event that is not folded yet.", "s")
	i.seconds(meter, &i.rate, Rate, "Events folded per second.", "{event}/s")
	i.seconds(meter, &i.eta, ETA, "Time until the read model has caught up; 0 if it has, or nobody knows.", "s")
	// A unit of "1" would make a ratio of them in Prometheus, by its name.
	i.gauge(meter, &i.phase, Phase, "1 for the phase that the projection is in.", "")
	i.gauge(meter, &i.stopped, Stopped, "1 while an error keeps the projection from going on.", "")
	i.gauge(meter, &i.generation, Generation, "1 for the generation that is kept up to date.", "")
	if i.err != nil {
		return nil, i.err
	}
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, s := range source.Status() {
			i.observe(o, &s)
		}
		return nil
	}, i.all...)
}

// instruments are what Register made.
type instruments struct {
	position, head, handled, lag, phase, stopped, generation metric.Int64ObservableGauge
	behind, rate, eta                                        metric.Float64ObservableGauge

	all []metric.Observable
	err error
}

func (i *instruments) gauge(m metric.Meter, g *metric.Int64ObservableGauge, name, text, unit string) {
	made, err := m.Int64ObservableGauge(name, metric.WithDescription(text), metric.WithUnit(unit))
	*g, i.all = made, append(i.all, made)
	i.fail(err)
}

func (i *instruments) seconds(m metric.Meter, g *metric.Float64ObservableGauge, name, text, unit string) {
	made, err := m.Float64ObservableGauge(name, metric.WithDescription(text), metric.WithUnit(unit))
	*g, i.all = made, append(i.all, made)
	i.fail(err)
}

func (i *instruments) fail(err error) {
	if i.err == nil {
		i.err = err
	}
}

// observe reports one projection in one sink.
func (i *instruments) observe(o metric.Observer, s *projection.Status) {
	of := []attribute.KeyValue{attribute.String("projection", s.Projection), attribute.String("sink", s.Sink)}
	with := metric.WithAttributeSet(attribute.NewSet(of...))
	o.ObserveInt64(i.position, int64(s.Position), with)
	o.ObserveInt64(i.head, int64(s.Head), with)
	o.ObserveInt64(i.handled, s.Handled, with)
	o.ObserveInt64(i.lag, s.Lag, with)
	o.ObserveFloat64(i.behind, s.Behind.Seconds(), with)
	o.ObserveFloat64(i.rate, s.Rate, with)
	o.ObserveFloat64(i.eta, s.ETA.Seconds(), with)
	for p := projection.Idle; p <= projection.Stopped; p++ {
		o.ObserveInt64(i.phase, one(s.Phase == p), with, metric.WithAttributes(attribute.String("phase", p.String())))
	}
	o.ObserveInt64(i.stopped, one(s.Phase == projection.Stopped), with)
	o.ObserveInt64(i.generation, 1, with, metric.WithAttributes(attribute.String("generation", s.Generation),
		attribute.Bool("built", s.Built), attribute.Bool("active", s.Active)))
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
