package metrics_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/cqrsgen/cqrsgen/runtime/metrics"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
)

// app stands for the App of a bounded context.
type app struct{}

func (app) Status() []projection.Status {
	return []projection.Status{{
		Projection: "TicketList", Sink: "sqlite", Generation: "cae06467aff0ef3b", Built: true, Active: true,
		Phase: projection.Live, Position: 10, Head: 12, Handled: 8, Total: 9, Lag: 1, Behind: 20 * time.Millisecond,
	}}
}

// Prometheus scrapes what an exporter serves. Its registry may have metrics of the program's own besides.
func Example_prometheus() {
	registry := prom.NewRegistry()
	exporter, err := prometheus.New(prometheus.WithRegisterer(registry))
	if err != nil {
		log.Fatal(err)
	}
	provider := metric.NewMeterProvider(metric.WithReader(exporter))
	if _, err := metrics.Register(provider.Meter("example.com/tickets"), app{}); err != nil {
		log.Fatal(err)
	}
	http.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	scraped := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(scraped, httptest.NewRequest("GET", "/metrics", nil))
	text, _ := io.ReadAll(scraped.Body)
	for line := range strings.Lines(string(text)) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "{")
		if found && strings.HasPrefix(name, "cqrsgen_") && !strings.Contains(value, `phase="`) {
			fmt.Println(name, value[strings.LastIndex(value, " ")+1:])
		}
	}
	// Output:
	// cqrsgen_projection_behind_seconds 0.02
	// cqrsgen_projection_eta_seconds 0
	// cqrsgen_projection_generation 1
	// cqrsgen_projection_handled 8
	// cqrsgen_projection_head 12
	// cqrsgen_projection_lag 1
	// cqrsgen_projection_position 10
	// cqrsgen_projection_rate_per_second 0
	// cqrsgen_projection_stopped 0
}
