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
		if strings.HasPrefix(line, "cqrsgen_projection_lag") || strings.HasPrefix(line, "cqrsgen_projection_behind") {
			name, _, _ := strings.Cut(line, "{")
			fmt.Println(name, strings.Fields(line)[len(strings.Fields(line))-1])
		}
	}
	// Output:
	// cqrsgen_projection_behind_seconds 0.02
	// cqrsgen_projection_lag 1
}
