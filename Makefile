# Everything that a person, or CI, does with this repository.

GO        ?= go
LOG       ?= embedded
DEMO_FLAGS ?=
FUZZTIME  ?= 20s
SOAK_FLAGS ?=

# The oldest Go release that is supported, and the newest one, which `test-go-next` takes. Both are supported.
GO_OLDEST := 1.26
GO_NEXT   := go1.27.4

# Tools are pinned, and run without being installed.
STATICCHECK  := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCILINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# How often the kill tests kill under the race detector, which makes everything several times slower. Without it they
# run as often as they say themselves.
RACE_KILL_ROUNDS ?= 5

# No part of the project needs cgo; the race detector alone does. And a checkout of another user, as containers have
# it, can't be stamped with its revision, which nothing here needs.
export CGO_ENABLED := 0
export GOFLAGS     := $(strip $(filter-out -buildvcs%,$(GOFLAGS)) -buildvcs=false)

# Tests wait more than they compute: for servers, for disks, for processes that they kill. So the packages that run at the
# same time are twice as many as there are cores.
PACKAGES ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2))))

.DEFAULT_GOAL := help
.NOTPARALLEL:

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: go-version $(if $(filter postgres jetstream,$(LOG)),$(LOG)-server) ## Generate, build and run the example (LOG=postgres or jetstream, DEMO_FLAGS='--events 50000')
	$(GO) generate ./example/...
	$(GO) build -o bin/ledger ./example/ledger/cmd/ledger
	bin/ledger demo --log $(LOG) $(DEMO_FLAGS)

# What fails fast comes first: a missing compiler is not found out after minutes.
.PHONY: test
test: c-compiler servers typescript check-generated check-format vet staticcheck unit race ## Check everything, tests with the race detector included

# What waits for servers and processes gains nothing from another release of Go.
NEXT_PACKAGES = $$($(GO) list ./... | grep -Ev '/(engine|sink|subscription|personal)/(postgres|jetstream|redis)$$|/runtime/admin$$|/example/|/testserver$$|/seededbugs$$')

.PHONY: test-go-next
test-go-next: go-version ## Vet and test with the newest Go release, if the go command can get it
	@if GOTOOLCHAIN=$(GO_NEXT) $(GO) version >/dev/null 2>&1; then \
		set -ex; export GOTOOLCHAIN=$(GO_NEXT); $(GO) vet ./...; $(GO) test -p $(PACKAGES) -short $(NEXT_PACKAGES); \
	else \
		echo "$(GO_NEXT) can't be downloaded here: tests with it are left out"; \
	fi

.PHONY: generate
generate: go-version ## Generate the Go of every model in the tree
	$(GO) generate ./...

# Only the packages that know the flag can be given it.
.PHONY: golden
golden: go-version ## Rewrite the golden files from what the generator emits now: read the diff
	$(GO) test $$(find gen runtime -name '*_test.go' -exec grep -l 'flag.Bool("update"' {} + | sed 's|^|./|; s|/[^/]*$$||' | sort -u) \
		-run Golden -update

.PHONY: bench
bench: go-version ## Measure, and print ratios to the limits of this machine
	$(GO) run ./internal/bench

.PHONY: fuzz
fuzz: go-version ## Run each fuzz target for FUZZTIME (20s)
	@find . -name '*_test.go' -exec grep -H '^func Fuzz' {} + | \
	sed -n 's|^\./\(.*\)/[^/]*:func \(Fuzz[A-Za-z0-9_]*\).*|\1 \2|p' | sort | \
	while read -r dir target; do \
		echo "$$target in ./$$dir"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "./$$dir" || exit 1; \
	done

# Every package whose tests use internal/soak, one after the other, so that none slows another one's races down. What was
# done is printed, with whatever failed; everything is in bin/soak.log.
.PHONY: soak
soak: go-version $(if $(SOAK_FLAGS),,race-whole) ## Run the long tests for their full counts, which takes hours (SOAK_FLAGS='-run Kill' chooses)
	@mkdir -p bin; \
	packages=$$($(GO) list -test -f '{{.ImportPath}} {{.Deps}}' ./... | sed -n 's/\.test .*internal\/soak .*//p'); \
	{ CQRSGEN_SOAK=1 $(GO) test -count=1 -p 1 -timeout 24h -v $(SOAK_FLAGS) $$packages 2>&1; echo "soak exits with $$?"; } | \
	tee bin/soak.log | awk '/^soak exits with / { code = $$4; next } \
		/^--- FAIL|^panic:|^(ok|FAIL)[ \t]/ { print } \
		sub(/^.*soak: /, "      ") { print } { fflush() } \
		END { if (code) print "what failed is in bin/soak.log"; exit code }'

.PHONY: lint
lint: go-version staticcheck ## Run the linters
	$(GO) run $(GOLANGCILINT) run

# Compares with what is generated: stale, missing and left-over files are all differences. Fingerprints need the module.
.PHONY: check-generated
check-generated: go-version
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && \
	cp -R example "$$tmp" && rm -rf "$$tmp/example/ledger/docs" && \
	$(GO) run ./cmd/cqrsgen docs "$$tmp/example/ledger" >/dev/null && \
	if $(GO) run ./cmd/cqrsgen generate --check $$(find example -name '*.cqrs.yaml') && \
		diff -r "$$tmp/example/ledger/docs" example/ledger/docs; then echo "generated code is up to date"; \
	else echo "generated code is not what the generator emits: run make generate" >&2; exit 1; fi

.PHONY: check-format
check-format: go-version
	@files=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .); \
	if [ -n "$$files" ]; then echo "not formatted, run gofmt -w on:" >&2; echo "$$files" >&2; exit 1; fi

.PHONY: vet
vet: go-version
	$(GO) vet ./...
	$(GO) build ./...
	$(GO) run ./cmd/cqrsgen vet ./example/...

# The golden packages, which `./...` leaves out.
GOLDEN_GO = $(addprefix ./,$(sort $(dir $(wildcard testdata/golden/*/app_gen.go))))

# A machine that can't download the tool still tests; CI does not let that pass. S1016 wants a command converted to the
# event that has the same fields today, which says what is not meant: that they have to be the same.
.PHONY: staticcheck
staticcheck: go-version
	@if $(GO) run $(STATICCHECK) -version >/dev/null 2>&1 || [ "$(CI)" = true ]; then \
		set -ex; $(GO) run $(STATICCHECK) -checks inherit,-S1016 ./... $(GOLDEN_GO); \
	else \
		echo "staticcheck can't be downloaded here: it is left out"; \
	fi

.PHONY: unit
unit: go-version
	$(GO) test -p $(PACKAGES) -timeout 30m ./...

# The tests of the generator and of the tool compile thousands of models' code, and programs that they run without the
# detector; those of the engines repeat faults and races many times, over servers or a database that the detector slows
# down tenfold. Their short ones run the same code at the same time.
RACE_GOLDEN := /gen$$|/gen/(model|purity)$$
# They compile and run programs that are built without the detector: only race-whole has them.
RACE_NONE := /gen/newservice$$|/cmd/cqrsgen$$
RACE_SHORT := /example/ledger$$|/testserver$$|/gen/meaning$$|/cmd/ledger$$|/runtime/engine/|/runtime/archive$$|/runtime/(projection|admin)$$|/sink/(sqlite|postgres|redis|elastic)$$|/runtime/subscription|/runtime/personal/|/ledger/publisher$$
.PHONY: race
race: go-version c-compiler
	CGO_ENABLED=1 CQRSGEN_KILL_ROUNDS=$(RACE_KILL_ROUNDS) $(GO) test -p $(PACKAGES) -race $$($(GO) list ./... | grep -Ev '$(RACE_SHORT)|$(RACE_GOLDEN)|$(RACE_NONE)')
	CGO_ENABLED=1 $(GO) test -p $(PACKAGES) -race -short $$($(GO) list ./... | grep -E '$(RACE_SHORT)')
	CGO_ENABLED=1 $(GO) test -p $(PACKAGES) -race -short -run Golden $$($(GO) list ./... | grep -E '$(RACE_GOLDEN)')

.PHONY: race-whole
race-whole: go-version c-compiler ## Run every test with the race detector, none of them cut short
	CGO_ENABLED=1 $(GO) test -race -timeout 2h ./...

# Tests, the demo and the benchmarks start servers of their own, which end with them: nothing here starts one.
.PHONY: servers
servers: postgres-server jetstream-server redis-server ## Install the servers that tests start: PostgreSQL, nats-server, Redis

# Where internal/testserver looks.
INITDB = $$(command -v initdb || ls "$$(pg_config --bindir 2>/dev/null)/initdb" /usr/lib/postgresql/*/bin/initdb \
	/usr/pgsql-*/bin/initdb /usr/local/pgsql/bin/initdb /opt/homebrew/opt/postgresql@*/bin/initdb \
	/usr/local/opt/postgresql@*/bin/initdb 2>/dev/null)

# Debian's package creates a cluster and starts it, unless it is told not to.
.PHONY: postgres-server
postgres-server:
	@there() { [ -n "$$CQRSGEN_TEST_POSTGRES" ] || [ -n "$(INITDB)" ]; }; \
	there && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing PostgreSQL, which tests start"; \
		export DEBIAN_FRONTEND=noninteractive; \
		{ apt-get update -q && apt-get install -qy --no-install-recommends postgresql-common && \
			sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf && \
			apt-get install -qy --no-install-recommends postgresql; } >/dev/null || true; \
		there && exit 0; \
	fi; \
	echo "No PostgreSQL server is installed, 14 or later. Any of these will do:" >&2; \
	echo "  on Debian and Ubuntu, as root: apt-get install postgresql" >&2; \
	echo "  on macOS: brew install postgresql@17" >&2; \
	echo "  a server elsewhere: CQRSGEN_TEST_POSTGRES=postgres://user:password@host/database, a role that may create databases" >&2; \
	if [ "$(CI)" = true ] || [ "$(LOG)" = postgres ]; then exit 1; fi; \
	echo "Tests that need one are skipped." >&2

# Debian's package starts a server on port 6379, unless a policy says that nothing is started; a policy that somebody
# else made is left as it is.
.PHONY: redis-server
redis-server:
	@there() { [ -n "$$CQRSGEN_TEST_REDIS" ] || command -v redis-server >/dev/null; }; \
	there && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing Redis, which tests start"; \
		export DEBIAN_FRONTEND=noninteractive; \
		policy=/usr/sbin/policy-rc.d; \
		[ -e $$policy ] && policy= || { printf '#!/bin/sh\nexit 101\n' >$$policy && chmod +x $$policy; }; \
		{ apt-get update -q && apt-get install -qy --no-install-recommends redis-server; } >/dev/null || true; \
		[ -z "$$policy" ] || rm -f $$policy; \
		there && exit 0; \
	fi; \
	echo "No Redis server is installed, 6.2 or later. Any of these will do:" >&2; \
	echo "  on Debian and Ubuntu, as root: apt-get install redis-server" >&2; \
	echo "  on macOS: brew install redis" >&2; \
	echo "  a server elsewhere: CQRSGEN_TEST_REDIS=redis://user:password@host:6379/0" >&2; \
	if [ "$(CI)" = true ]; then exit 1; fi; \
	echo "Tests that need one are skipped." >&2

# The types that `cqrsgen docs` writes are compiled by the real compiler.
.PHONY: typescript
typescript: ## Install what compiles TypeScript in tests
	@there() { [ -n "$$CQRSGEN_TEST_TSC" ] || command -v tsc >/dev/null || command -v tsgo >/dev/null; }; \
	there && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing TypeScript, which tests compile with"; \
		export DEBIAN_FRONTEND=noninteractive; \
		{ apt-get update -q && apt-get install -qy --no-install-recommends node-typescript; } >/dev/null || true; \
		there && exit 0; \
	fi; \
	echo "No compiler of TypeScript is installed, 4.8 or later. Any of these will do:" >&2; \
	echo "  on Debian and Ubuntu, as root: apt-get install node-typescript" >&2; \
	echo "  with npm: npm install -g typescript" >&2; \
	echo "  with Go alone, in some minutes: go install github.com/microsoft/typescript-go/cmd/tsgo@latest" >&2; \
	echo "  elsewhere: CQRSGEN_TEST_TSC=/path/to/tsc" >&2; \
	if [ "$(CI)" = true ]; then exit 1; fi; \
	echo "Tests that need one are skipped." >&2

.PHONY: jetstream-server
jetstream-server: go-version
	@[ -n "$$CQRSGEN_TEST_NATS" ] || $(GO) tool -n nats-server >/dev/null || { \
		echo "nats-server can't be built from its module. A server elsewhere will do, 2.12.1 or later:" >&2; \
		echo "  CQRSGEN_TEST_NATS=nats://host:4222, an account with JetStream" >&2; \
		if [ "$(CI)" = true ] || [ "$(LOG)" = jetstream ]; then exit 1; fi; \
		echo "Tests that need one are skipped." >&2; }

.PHONY: go-version
go-version:
	@command -v $(GO) >/dev/null || { echo "Go $(GO_OLDEST) or later is needed, and there is none: https://go.dev/dl/" >&2; exit 1; }
	@have=$$($(GO) env GOVERSION 2>/dev/null); have=$${have:-$$($(GO) version)}; \
	case "$$have" in devel*) exit 0 ;; esac; \
	minor=$$(echo "$$have" | sed -n 's/.*go1\.\([0-9]*\).*/\1/p'); \
	if [ "$${minor:-0}" -lt "$(GO_OLDEST:1.%=%)" ]; then \
		echo "Go $(GO_OLDEST) or later is needed, and this is $$have: https://go.dev/dl/" >&2; exit 1; \
	fi

# The race detector links with the C library: a compiler without its headers is not enough.
C_PROGRAM := \#include <stdlib.h>\nint main(void) { return 0; }\n

.PHONY: c-compiler
c-compiler:
	@works() { printf '$(C_PROGRAM)' | $$($(GO) env CC) -x c -o /dev/null - 2>/dev/null; }; \
	works && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing gcc, which the race detector needs"; \
		export DEBIAN_FRONTEND=noninteractive; \
		{ apt-get update -q && apt-get install -qy --no-install-recommends gcc libc6-dev; } >/dev/null || true; \
		works && exit 0; \
	fi; \
	echo "The race detector needs a C compiler with the C library's headers, and $$($(GO) env CC) is none:" >&2; \
	echo "  on Debian and Ubuntu, as root: apt-get install gcc libc6-dev" >&2; \
	echo "  elsewhere install gcc or clang, and name it in CC if it is not found" >&2; \
	echo "Everything but the race detector runs without it: go test ./..." >&2; \
	exit 1
