package metrics

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/cqrsgen/cqrsgen/runtime/projection"
)

// statuses is a Source that counts how often it is asked.
type statuses struct {
	list  []projection.Status
	asked int
}

func (s *statuses) Status() []projection.Status {
	s.asked++
	return s.list
}

// collect returns what a reader collects, by the name of the instrument and the values of its attributes.
func collect(t *testing.T, reader *sdk.ManualReader) map[string]float64 {
	var all metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &all))
	found := map[string]float64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					found[m.Name+labels(p.Attributes)] = float64(p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					found[m.Name+labels(p.Attributes)] = p.Value
				}
			default:
				t.Fatalf("%s is a %T", m.Name, data)
			}
		}
	}
	return found
}

func labels(set attribute.Set) string {
	text := ""
	for _, kv := range set.ToSlice() { // in the order of the keys
		text += " " + kv.Value.String()
	}
	return text
}

func TestEachProjectionInEachSinkIsMeasured(t *testing.T) {
	source := &statuses{list: []projection.Status{
		{
			Projection: "Balances", Sink: "sqlite", Generation: "00aa", Active: true, Built: true, Phase: projection.Live,
			Position: 70, Head: 72, Handled: 40, Total: 41, Lag: 1, Behind: 1500 * time.Millisecond, Rate: 12.5,
		},
		{
			Projection: "Balances", Sink: "redis", Generation: "00bb", Phase: projection.Stopped, Position: 7, Head: 72,
			Handled: 4, Total: 41, Lag: 37, ETA: 2 * time.Second, Err: errors.New("no room"),
		},
	}}
	reader := sdk.NewManualReader()
	registration, err := Register(sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("test"), source)
	require.NoError(t, err)
	assert.Zero(t, source.asked, "nobody has collected yet")

	found := collect(t, reader)
	for name, want := range map[string]float64{
		Position + " Balances sqlite": 70, Head + " Balances sqlite": 72, Handled + " Balances sqlite": 40,
		Lag + " Balances sqlite": 1, Behind + " Balances sqlite": 1.5, Rate + " Balances sqlite": 12.5,
		ETA + " Balances sqlite": 0, Stopped + " Balances sqlite": 0,
		Position + " Balances redis": 7, Lag + " Balances redis": 37, ETA + " Balances redis": 2,
		Stopped + " Balances redis":     1,
		Phase + " live Balances sqlite": 1, Phase + " building Balances sqlite": 0, Phase + " stopped Balances sqlite": 0,
		Phase + " live Balances redis": 0, Phase + " stopped Balances redis": 1,
		Generation + " true true 00aa Balances sqlite": 1, Generation + " false false 00bb Balances redis": 1,
	} {
		got, there := found[name]
		assert.True(t, there, "%s is not measured", name)
		assert.Equal(t, want, got, name)
	}
	assert.Equal(t, 1, source.asked)

	require.NoError(t, registration.Unregister())
	assert.Empty(t, collect(t, reader))
	assert.Equal(t, 1, source.asked, "nothing is asked any more")
}

// broken is a meter that makes no instruments.
type broken struct{ noop.Meter }

func (broken) Float64ObservableGauge(string, ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	return nil, errors.New("no more instruments")
}

func (broken) RegisterCallback(metric.Callback, ...metric.Observable) (metric.Registration, error) {
	panic("nothing can be observed")
}

func TestAMeterThatFailsIsReported(t *testing.T) {
	_, err := Register(broken{}, &statuses{})
	assert.ErrorContains(t, err, "no more instruments")
}

func TestAMeterThatMeasuresNothingAsksNothing(t *testing.T) {
	source := &statuses{}
	registration, err := Register(noop.NewMeterProvider().Meter("test"), source)
	require.NoError(t, err)
	assert.NoError(t, registration.Unregister())
	assert.Zero(t, source.asked)
}
