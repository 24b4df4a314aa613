package elasticdouble

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

type index struct {
	name     string
	created  time.Time
	settings object // flat: "index.refresh_interval"
	mapping  *mapping
	aliases  map[string]*alias

	// docs has the last version of each document, also of those that were deleted not long ago.
	docs map[string]*document
	// pending is what searches don't see yet.
	pending   map[string]*document
	visible   *snapshot
	refreshed time.Time
	// waiting is closed by the next refresh.
	waiting chan struct{}
	seqNo   int64
}

type alias struct {
	filter any
	source object
	writes bool
}

// document is one version; it never changes.
type document struct {
	id        string
	source    []byte
	fields    map[string][]any
	version   int64
	seqNo     int64
	deletedAt time.Time // zero unless it is deleted
}

// snapshot is what searches see.
type snapshot struct {
	docs map[string]*document
	// shared snapshots never change: a point in time has them.
	shared bool
}

var knownSettings = strings.Fields(`number_of_shards number_of_replicas refresh_interval gc_deletes max_result_window
	hidden mapping.total_fields.limit auto_expand_replicas`)

func (s *Server) createIndex(c *call) (answer, error) {
	name := c.path["index"]
	body, err := c.bodyObject("settings mappings aliases")
	if err != nil {
		return answer{}, err
	}
	if err := s.freeName(name); err != nil {
		return answer{}, err
	}
	x, err := newIndex(name, body)
	if err != nil {
		return answer{}, err
	}
	aliases, err := asObject("aliases", cmp.Or[any](body["aliases"], object{}), "*")
	if err != nil {
		return answer{}, err
	}
	for alias, v := range aliases {
		if err := s.addAlias(x, alias, v); err != nil {
			return answer{}, err
		}
	}
	s.indices[name] = x
	return answer{http.StatusOK, object{"acknowledged": true, "shards_acknowledged": true, "index": name}}, nil
}

// freeName refuses names that no index may have, and those that are taken.
func (s *Server) freeName(name string) error {
	if fault := nameFault(name); fault != "" {
		return refuse(http.StatusBadRequest, "invalid_index_name_exception", "Invalid index name [%s], %s", name, fault)
	}
	if s.indices[name] != nil {
		return &failure{http.StatusBadRequest, "resource_already_exists_exception",
			fmt.Sprintf("index [%s/double] already exists", name), name}
	}
	if s.isAlias(name) {
		return refuse(http.StatusBadRequest, "invalid_index_name_exception", "Invalid index name [%s], already exists as alias", name)
	}
	return nil
}

func (s *Server) isAlias(name string) bool {
	for _, x := range s.indices {
		if x.aliases[name] != nil {
			return true
		}
	}
	return false
}

// nameFault says why an index, or an alias, can't have a name.
func nameFault(name string) string {
	switch {
	case name == "." || name == "..":
		return "must not be '.' or '..'"
	case strings.ContainsAny(name, "\\/*?\"<>| ,"):
		return `must not contain the following characters [' ','"','*',',','/','<','>','?','\','|']`
	case strings.Contains(name, "#"):
		return "must not contain '#'"
	case strings.Contains(name, ":"):
		return "must not contain ':'"
	case strings.HasPrefix(name, "_") || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "+"):
		return "must not start with '_', '-', or '+'"
	case len(name) > 255:
		return "index name is too long"
	case strings.ToLower(name) != name:
		return "must be lowercase"
	}
	return ""
}

func newIndex(name string, body object) (*index, error) {
	settings := object{"index.number_of_shards": "1", "index.number_of_replicas": "1"}
	if err := flatten(settings, "", body["settings"]); err != nil {
		return nil, err
	}
	mapping, err := newMapping(body["mappings"])
	if err != nil {
		return nil, err
	}
	return &index{
		name: name, created: time.Now(), settings: settings, mapping: mapping, aliases: map[string]*alias{},
		docs: map[string]*document{}, pending: map[string]*document{}, visible: &snapshot{docs: map[string]*document{}},
		refreshed: time.Now(), waiting: make(chan struct{}),
	}, nil
}

// flatten reads settings, which may be nested or dotted, with or without the prefix.
func flatten(into object, prefix string, v any) error {
	if v == nil {
		return nil
	}
	settings, err := asObject("settings", v, "*")
	if err != nil {
		return err
	}
	for key, v := range settings {
		if prefix != "" {
			key = prefix + "." + key
		}
		if _, nested := v.(object); nested {
			if err := flatten(into, key, v); err != nil {
				return err
			}
			continue
		}
		short := strings.TrimPrefix(key, "index.")
		if !slices.Contains(knownSettings, short) {
			return illegal("unknown setting [index.%s] please check that any required plugins are installed", short)
		}
		if fault := settingFault(short, fmt.Sprint(v)); fault != nil {
			return fault
		}
		into["index."+short] = fmt.Sprint(v)
	}
	return nil
}

func settingFault(name, value string) error {
	switch name {
	case "refresh_interval", "gc_deletes":
		_, err := timeValue(name, value)
		return err
	case "number_of_shards", "number_of_replicas", "max_result_window":
		if n, err := strconv.Atoi(value); err != nil || n < 0 {
			return illegal("Failed to parse value [%s] for setting [index.%s]", value, name)
		}
	}
	return nil
}

// timeValue reads a length of time such as 1s or 100ms; -1 is none.
func timeValue(name, value string) (time.Duration, error) {
	if value == "-1" {
		return -1, nil
	}
	for _, unit := range []string{"nanos", "micros", "ms", "s", "m", "h", "d"} {
		digits, ok := strings.CutSuffix(value, unit)
		n, err := strconv.Atoi(digits)
		if !ok || err != nil || n < 0 {
			continue
		}
		return time.Duration(n) * map[string]time.Duration{
			"nanos": 1, "micros": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute,
			"h": time.Hour, "d": 24 * time.Hour,
		}[unit], nil
	}
	return 0, illegal("failed to parse setting [%s] with value [%s] as a time value: unit is missing or unrecognized", name, value)
}

func (x *index) duration(setting string, otherwise time.Duration) time.Duration {
	v, ok := x.settings["index."+setting].(string)
	if !ok {
		return otherwise
	}
	d, _ := timeValue(setting, v) // which was checked when it was set
	return d
}

// resolve returns the indices that an expression names: names, aliases and patterns, separated by commas.
func (s *Server) resolve(c *call, expression string) ([]*index, error) {
	lenient := c.params.Get("ignore_unavailable") == "true"
	var found []*index
	if expression == "_all" {
		expression = "*"
	}
	for name := range strings.SplitSeq(expression, ",") {
		n := len(found)
		for _, x := range s.sorted() {
			if x.answersTo(name) && !slices.Contains(found, x) {
				found = append(found, x)
			}
		}
		if n == len(found) && !strings.Contains(name, "*") && !lenient {
			return nil, missing(name)
		}
	}
	if len(found) == 0 && c.params.Get("allow_no_indices") == "false" {
		return nil, missing(expression)
	}
	return found, nil
}

func missing(name string) error {
	return &failure{http.StatusNotFound, "index_not_found_exception", fmt.Sprintf("no such index [%s]", name), name}
}

func (x *index) answersTo(name string) bool {
	if wildcard(name, x.name) {
		return true
	}
	for alias := range x.aliases {
		if wildcard(name, alias) {
			return true
		}
	}
	return false
}

func (s *Server) sorted() []*index {
	all := make([]*index, 0, len(s.indices))
	for _, x := range s.indices {
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b *index) int { return strings.Compare(a.name, b.name) })
	return all
}

func (s *Server) deleteIndex(c *call) (answer, error) {
	expression := c.path["index"]
	if s.isAlias(expression) {
		return answer{}, illegal("The provided expression [%s] matches an alias, specify the corresponding concrete indices instead.", expression)
	}
	if strings.Contains(expression, "*") || expression == "_all" {
		return answer{}, illegal("Wildcard expressions or all indices are not allowed")
	}
	found, err := s.resolve(c, expression)
	if err != nil {
		return answer{}, err
	}
	for _, x := range found {
		s.drop(x)
	}
	return answer{http.StatusOK, object{"acknowledged": true}}, nil
}

func (s *Server) drop(x *index) {
	delete(s.indices, x.name)
	for id, p := range s.pits {
		if p.index == x {
			delete(s.pits, id)
		}
	}
}

func (s *Server) getIndex(c *call) (answer, error) {
	found, err := s.resolve(c, c.path["index"])
	if err != nil {
		return answer{}, err
	}
	features := strings.Split(cmp.Or(c.params.Get("features"), "aliases,mappings,settings"), ",")
	body := object{}
	for _, x := range found {
		described := object{}
		for _, feature := range features {
			switch feature {
			case "aliases":
				described[feature] = x.describeAliases("*")
			case "mappings":
				described[feature] = x.mapping.source
			case "settings":
				described[feature] = x.describeSettings()
			default:
				return answer{}, illegal("No feature for name [%s]", feature)
			}
		}
		body[x.name] = described
	}
	return answer{http.StatusOK, body}, nil
}

func (x *index) describeSettings() object {
	settings := object{"creation_date": strconv.FormatInt(x.created.UnixMilli(), 10), "provided_name": x.name, "uuid": "double"}
	for key, v := range x.settings {
		settings[strings.TrimPrefix(key, "index.")] = v
	}
	return object{"index": settings}
}

func (x *index) describeAliases(pattern string) object {
	aliases := object{}
	for name, a := range x.aliases {
		if wildcard(pattern, name) {
			aliases[name] = a.source
		}
	}
	return aliases
}

func (s *Server) getMapping(c *call) (answer, error) {
	found, err := s.resolve(c, c.path["index"])
	if err != nil {
		return answer{}, err
	}
	body := object{}
	for _, x := range found {
		body[x.name] = object{"mappings": x.mapping.source}
	}
	return answer{http.StatusOK, body}, nil
}

func (s *Server) getAlias(c *call) (answer, error) {
	body := object{}
	for _, x := range s.sorted() {
		if aliases := x.describeAliases(c.path["alias"]); len(aliases) > 0 {
			body[x.name] = object{"aliases": aliases}
		}
	}
	if len(body) == 0 {
		return answer{http.StatusNotFound, object{"error": fmt.Sprintf("alias [%s] missing", c.path["alias"]), "status": 404}}, nil
	}
	return answer{http.StatusOK, body}, nil
}

// addAlias gives an index an alias.
func (s *Server) addAlias(x *index, name string, v any) error {
	o, err := asObject("alias", v, "filter is_write_index is_hidden index_routing search_routing")
	if err != nil {
		return err
	}
	if fault := nameFault(name); fault != "" && fault != "must be lowercase" {
		return refuse(http.StatusBadRequest, "invalid_alias_name_exception", "Invalid alias name [%s]: %s", name, fault)
	}
	if s.indices[name] != nil || name == x.name {
		return refuse(http.StatusBadRequest, "invalid_alias_name_exception",
			"Invalid alias name [%s]: an index or data stream exists with the same name as the alias", name)
	}
	writes, _ := o["is_write_index"].(bool)
	if o["filter"] != nil {
		if _, err := x.compile(o["filter"]); err != nil {
			return err
		}
	}
	x.aliases[name] = &alias{filter: o["filter"], source: o, writes: writes}
	return nil
}

// updateAliases does all of its actions or none.
func (s *Server) updateAliases(c *call) (answer, error) {
	body, err := c.bodyObject("actions")
	if err != nil {
		return answer{}, err
	}
	actions, _ := body["actions"].([]any)
	if len(actions) == 0 {
		return answer{}, refuse(http.StatusBadRequest, "action_request_validation_exception",
			"Validation Failed: 1: Must specify at least one alias action;")
	}
	undo := s.saveAliases()
	done, unfound := 0, ""
	var drop []*index
	for _, v := range actions {
		did, name, err := s.updateAlias(c, v, &drop)
		if err != nil {
			undo()
			return answer{}, err
		}
		if did {
			done++
		} else {
			unfound = name
		}
	}
	if done == 0 {
		return answer{}, refuse(http.StatusNotFound, "aliases_not_found_exception", "aliases [%s] missing", unfound)
	}
	for _, x := range drop {
		s.drop(x)
	}
	return answer{http.StatusOK, object{"acknowledged": true, "errors": done < len(actions)}}, nil
}

// saveAliases returns what takes back all changes of aliases since.
func (s *Server) saveAliases() func() {
	saved := map[*index]map[string]*alias{}
	for _, x := range s.indices {
		saved[x] = map[string]*alias{}
		for name, a := range x.aliases {
			saved[x][name] = a
		}
	}
	return func() {
		for x, aliases := range saved {
			x.aliases = aliases
		}
	}
}

func (s *Server) updateAlias(c *call, v any, drop *[]*index) (did bool, name string, err error) {
	action, err := asObject("actions", v, "add remove remove_index")
	if err != nil || len(action) != 1 {
		return false, "", cmp.Or(err, unparsable("an action has one kind"))
	}
	for kind, v := range action {
		o, err := asObject(kind, v, "index alias filter is_write_index is_hidden must_exist")
		if err != nil {
			return false, "", err
		}
		pattern, _ := o["index"].(string)
		name, _ := o["alias"].(string)
		if pattern == "" || (name == "") != (kind == "remove_index") {
			return false, "", illegal("[index] and [alias] have to be given")
		}
		found, err := s.resolve(c, pattern)
		if err != nil {
			return false, "", err
		}
		switch kind {
		case "remove_index":
			*drop = append(*drop, found...)
			return true, "", nil
		case "add":
			return true, name, s.addToAll(found, name, o)
		}
		did = removeAlias(found, name)
		if must, _ := o["must_exist"].(bool); !did && must {
			err = refuse(http.StatusNotFound, "aliases_not_found_exception", "required alias [%s] does not exist", name)
		}
		return did, name, err
	}
	return false, "", unparsable("an action has one kind")
}

func (s *Server) addToAll(found []*index, name string, o object) error {
	source := object{}
	for _, key := range []string{"filter", "is_write_index", "is_hidden"} {
		if v, ok := o[key]; ok {
			source[key] = v
		}
	}
	for _, x := range found {
		if err := s.addAlias(x, name, source); err != nil {
			return err
		}
	}
	return nil
}

// removeAlias takes the aliases of a pattern away from indices, and reports whether there was one.
func removeAlias(found []*index, pattern string) (did bool) {
	for _, x := range found {
		for name := range x.aliases {
			if wildcard(pattern, name) {
				delete(x.aliases, name)
				did = true
			}
		}
	}
	return did
}
