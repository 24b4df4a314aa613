package elastic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Table implements readmodel.Store. Should another shape be stored under the schema's fingerprint, the error is a
// *readmodel.SchemaError.
func (s *Store) Table(ctx context.Context, schema *readmodel.Schema) (readmodel.Table, error) {
	if err := cmp.Or(schema.Check(), ctx.Err()); err != nil {
		return nil, err
	}
	t := newTable(s, schema)
	created, err := s.describe(ctx, t.index)
	if failed(err, "index_not_found_exception") {
		created, err = t.create(ctx)
	}
	if err == nil {
		err = t.fits(created)
	}
	if err != nil {
		return nil, t.wrap(err)
	}
	return t, nil
}

// create makes the index, unless another process just did, and returns what is there.
func (t *table) create(ctx context.Context) (*about, error) {
	now := time.Now().UTC()
	err := t.store.do(ctx, request{method: http.MethodPut, path: "/" + t.index, body: object{
		"mappings": mappings(&t.schema, t.columns, now),
		// Searches see rows when a projector says so: whole batches, with their checkpoint. Several shards would not show
		// theirs at once.
		"settings": object{"index": object{"refresh_interval": "-1", "number_of_shards": 1}},
		"aliases":  object{writeAlias(t.index): object{}},
	}}, nil)
	if err != nil && !failed(err, "resource_already_exists_exception") {
		return nil, err
	}
	return t.store.describe(ctx, t.index)
}

// indexAnswer is what the interface of indices says of one.
type indexAnswer struct {
	Aliases  map[string]json.RawMessage
	Mappings struct {
		Meta struct{ CQRS *about } `json:"_meta"`
	}
}

// describe returns what an index says of itself.
func (s *Store) describe(ctx context.Context, index string) (*about, error) {
	var answer map[string]indexAnswer
	err := s.do(ctx, request{method: http.MethodGet, path: "/" + index, query: "features=mappings"}, &answer)
	if err != nil {
		return nil, err
	}
	created := answer[index].Mappings.Meta.CQRS
	if created == nil {
		return nil, fmt.Errorf("the index %s exists, and is no read model", index)
	}
	return created, nil
}

// fits refuses a schema other than that which the index was made for. Its indexes may differ: every column can be
// sorted by.
func (t *table) fits(created *about) error {
	same := created.Schema.Projection == t.schema.Projection && created.Schema.Fingerprint == t.schema.Fingerprint &&
		slices.Equal(created.Schema.Columns(), t.schema.Columns()) && len(created.Schema.Key) == len(t.schema.Key)
	if same {
		return nil
	}
	return &readmodel.SchemaError{
		Projection: t.schema.Projection,
		Reason:     fmt.Sprintf("the index %s was made under its fingerprint with other columns: %v", t.index, created.Schema.Columns()),
	}
}

// generation is one that exists, with the names that lead to its index.
type generation struct {
	readmodel.Generation
	index   string
	aliases []string
}

// find returns the generations of a projection, or of all, without what is in their documents.
func (s *Store) find(ctx context.Context, projection string) ([]generation, error) {
	pattern := s.prefix + "*"
	if projection != "" {
		pattern = s.alias(projection) + "-*"
	}
	var answer map[string]indexAnswer
	err := s.do(ctx, request{
		method: http.MethodGet, path: "/" + pattern,
		query: "features=aliases,mappings&filter_path=*.aliases,*.mappings._meta&expand_wildcards=open",
	}, &answer)
	if err != nil {
		return nil, err
	}
	var found []generation
	for index, x := range answer {
		about := x.Mappings.Meta.CQRS
		if about == nil || projection != "" && about.Schema.Projection != projection ||
			index != s.indexName(about.Schema.Projection, about.Schema.Fingerprint) {
			continue // it is somebody else's, or of another prefix
		}
		g := generation{Generation: readmodel.Generation{Schema: about.Schema, Created: time.UnixMicro(about.Created).UTC()}, index: index}
		for name := range x.Aliases {
			g.aliases = append(g.aliases, name)
			g.Active = g.Active || name == s.alias(about.Schema.Projection)
			if at, ok := strings.CutPrefix(name, promotedAlias(index)); ok {
				micros, _ := strconv.ParseInt(at, 10, 64)
				g.Promoted = time.UnixMicro(micros).UTC()
			}
		}
		found = append(found, g)
	}
	slices.SortFunc(found, func(a, b generation) int {
		return cmp.Or(strings.Compare(a.Schema.Projection, b.Schema.Projection), a.Created.Compare(b.Created),
			strings.Compare(a.index, b.index))
	})
	return found, nil
}

// promotedAlias is the beginning of an alias whose end is the time at which a generation became active. So the time
// changes in one step with what is active.
func promotedAlias(index string) string { return index + ".promoted-" }

// one returns a generation, or readmodel.ErrNoGeneration.
func (s *Store) one(ctx context.Context, projection, fingerprint string) (generation, []generation, error) {
	all, err := s.find(ctx, projection)
	if err != nil {
		return generation{}, nil, err
	}
	for _, g := range all {
		if g.Schema.Projection == projection && g.Schema.Fingerprint == fingerprint {
			return g, all, nil
		}
	}
	return generation{}, nil, fmt.Errorf("read model %s: %w: %s", projection, readmodel.ErrNoGeneration, fingerprint)
}

// Open implements readmodel.Store.
func (s *Store) Open(ctx context.Context, projection, fingerprint string) (readmodel.Table, *readmodel.Schema, error) {
	g, _, err := s.one(ctx, projection, fingerprint)
	if err != nil {
		return nil, nil, err
	}
	schema := g.Schema
	return newTable(s, &schema), &schema, nil
}

// Generations implements readmodel.Store. When it was asked is by this process's clock, because what a node's says is not
// for everybody who may read.
func (s *Store) Generations(ctx context.Context, projection string) ([]readmodel.Generation, error) {
	found, err := s.find(ctx, projection)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if err := s.fill(ctx, found); err != nil {
		return nil, err
	}
	var all []readmodel.Generation
	for _, g := range found {
		if g.index != "" {
			g.Asked = time.Now().UTC()
			all = append(all, g.Generation)
		}
	}
	return all, nil
}

// fill reads checkpoints and leases, all in one request. A generation that was dropped in the meantime loses its index.
func (s *Store) fill(ctx context.Context, found []generation) error {
	var wanted []object
	for _, g := range found {
		wanted = append(wanted, object{"_index": g.index, "_id": checkpointID}, object{"_index": g.index, "_id": leaseID})
	}
	var answer struct {
		Docs []struct {
			Source struct {
				Checkpoint storedCheckpoint `json:"cqrs_checkpoint"`
				Lease      storedLease      `json:"cqrs_lease"`
			} `json:"_source"`
			Error *struct{ Type, Reason string }
		}
	}
	err := s.do(ctx, request{method: http.MethodPost, path: "/_mget", body: object{"docs": wanted}}, &answer)
	if err != nil {
		return err
	}
	if len(answer.Docs) != len(wanted) {
		return fmt.Errorf("the server answered %d of %d documents", len(answer.Docs), len(wanted))
	}
	for i := range answer.Docs {
		g, doc := &found[i/2], &answer.Docs[i]
		switch {
		case doc.Error != nil && doc.Error.Type == "index_not_found_exception":
			g.index = ""
		case doc.Error != nil:
			return &Error{http.StatusOK, doc.Error.Type, doc.Error.Reason}
		case i%2 == 0:
			g.Checkpoint = doc.Source.Checkpoint.checkpoint()
		default:
			g.Lease = doc.Source.Lease.lease()
		}
	}
	return nil
}

// Promote implements readmodel.Store: one request moves the alias.
func (s *Store) Promote(ctx context.Context, projection, fingerprint string) error {
	g, all, err := s.one(ctx, projection, fingerprint)
	if err != nil || g.Active {
		return err
	}
	stored, _, err := newTable(s, &g.Schema).load(ctx)
	if err != nil {
		return err
	}
	if !stored.Built {
		return &readmodel.NotBuiltError{Projection: projection, Generation: fingerprint, Position: stored.Position}
	}
	at, err := s.now(ctx)
	if err != nil {
		return err
	}
	for _, other := range all {
		if !at.After(other.Promoted) {
			at = other.Promoted.Add(time.Microsecond)
		}
	}
	if err := s.moveAlias(ctx, &g, at); err != nil {
		return err
	}
	s.Notify()
	return nil
}

// moveAlias makes the alias of a projection lead to one generation and to no other, whatever it led to.
func (s *Store) moveAlias(ctx context.Context, g *generation, at time.Time) error {
	alias := s.alias(g.Schema.Projection)
	err := s.do(ctx, request{method: http.MethodPost, path: "/_aliases", body: object{"actions": []object{
		{"remove": object{"index": alias + "-*", "alias": alias, "must_exist": false}},
		{"remove": object{"index": g.index, "alias": promotedAlias(g.index) + "*", "must_exist": false}},
		{"add": object{"index": g.index, "alias": promotedAlias(g.index) + strconv.FormatInt(at.UnixMicro(), 10)}},
		{"add": object{"index": g.index, "alias": alias, "filter": object{"term": object{kindField: "row"}}}},
	}}}, nil)
	if err != nil {
		return fmt.Errorf("read model %s: move the alias %s: %w", g.Schema.Projection, alias, err)
	}
	return nil
}

// Drop implements readmodel.Store.
func (s *Store) Drop(ctx context.Context, projection, fingerprint string) error {
	g, _, err := s.one(ctx, projection, fingerprint)
	if err != nil {
		return err
	}
	if g.Active {
		return &readmodel.ActiveError{Projection: projection, Generation: fingerprint}
	}
	t := newTable(s, &g.Schema)
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	lease, _, err := t.loadLease(ctx)
	if err != nil {
		return t.wrap(err)
	}
	if lease.Holder != "" && lease.until().After(now) {
		return t.held(&lease)
	}
	if err := s.do(ctx, request{method: http.MethodDelete, path: "/" + g.index}, nil); err != nil {
		return t.wrap(err)
	}
	t.Notify()
	s.Notify()
	return nil
}

// now returns the time by the clock of the node that answers.
func (s *Store) now(ctx context.Context) (time.Time, error) {
	var answer struct {
		Nodes map[string]struct{ Timestamp int64 }
	}
	err := s.do(ctx, request{method: http.MethodGet, path: "/_nodes/_local/stats/os", query: "filter_path=nodes.*.timestamp"}, &answer)
	if err != nil {
		return time.Time{}, err
	}
	for _, node := range answer.Nodes {
		return time.UnixMilli(node.Timestamp).UTC(), nil
	}
	return time.Time{}, errors.New("the server does not say what time it is")
}

// storedLease is a lease as a document has it. Times are in microseconds.
type storedLease struct {
	Holder   string `json:"holder"`
	Until    int64  `json:"until"`
	Report   []byte `json:"report"`
	Reported int64  `json:"reported"`
	// By tells whose write it was, if the answer to a write is lost.
	By uuid.UUID `json:"by"`
}

func (l *storedLease) until() time.Time { return time.UnixMicro(l.Until).UTC() }

func (l *storedLease) lease() readmodel.Lease {
	lease := readmodel.Lease{Holder: l.Holder, Report: l.Report}
	if l.Holder != "" {
		lease.Until = l.until()
	}
	if l.Reported != 0 {
		lease.Reported = time.UnixMicro(l.Reported).UTC()
	}
	return lease
}

// loadLease reads the lease, in real time. The place is nil if there is none yet.
func (t *table) loadLease(ctx context.Context) (storedLease, *place, error) {
	var answer struct {
		place
		Source struct {
			Lease storedLease `json:"cqrs_lease"`
		} `json:"_source"`
	}
	err := t.store.do(ctx, request{method: http.MethodGet, path: t.path("_doc/" + leaseID)}, &answer)
	if notFound(err) {
		return storedLease{}, nil, nil
	}
	return answer.Source.Lease, &answer.place, err
}

func (t *table) held(l *storedLease) error {
	return &readmodel.HeldError{
		Projection: t.schema.Projection, Generation: t.schema.Fingerprint, Holder: l.Holder, Until: l.until(),
	}
}

// Hold implements readmodel.Table. The clock is that of the node that answers.
func (t *table) Hold(ctx context.Context, holder string, ttl time.Duration, report []byte) error {
	if err := t.schema.CheckLease(holder, ttl); err != nil {
		return err
	}
	return t.changeLease(ctx, func(l *storedLease, now time.Time) (bool, error) {
		if l.Holder != "" && l.Holder != holder && l.until().After(now) {
			return false, t.held(l)
		}
		l.Holder, l.Until = holder, now.Add(ttl).UnixMicro()
		l.Report, l.Reported = report, now.UnixMicro()
		return true, nil
	})
}

// Release implements readmodel.Table.
func (t *table) Release(ctx context.Context, holder string, report []byte) error {
	return t.changeLease(ctx, func(l *storedLease, now time.Time) (bool, error) {
		if l.Holder != holder {
			return false, nil
		}
		l.Holder, l.Until = "", 0
		l.Report, l.Reported = report, now.UnixMicro()
		return true, nil
	})
}

// changeLease reads the lease, lets change change it, and writes it if nobody else did in the meantime; else it starts
// again.
func (t *table) changeLease(ctx context.Context, change func(*storedLease, time.Time) (bool, error)) error {
	now, err := t.store.now(ctx)
	for err == nil {
		var (
			lease storedLease
			at    *place
			do    bool
		)
		if lease, at, err = t.loadLease(ctx); err != nil {
			break
		}
		if do, err = change(&lease, now); err != nil || !do {
			break
		}
		lease.By = uuid.New()
		err = t.writeLease(ctx, at, &lease)
		if !conflict(err) {
			break
		}
		var stored storedLease
		if stored, _, err = t.loadLease(ctx); err == nil && stored.By == lease.By {
			break // the answer was lost, and the write sent twice
		}
	}
	return t.wrap(err)
}

func (t *table) writeLease(ctx context.Context, at *place, lease *storedLease) error {
	return t.store.do(ctx, request{
		method: http.MethodPut, path: "/" + writeAlias(t.index) + "/_doc/" + leaseID, query: "require_alias=true&" + at.replaces(),
		body: object{kindField: "lease", leaseField: lease},
	}, nil)
}
