package elasticdouble

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// readable returns the one index that a name stands for when a document is read.
func (s *Server) readable(c *call, name string) (*index, error) {
	found, err := s.resolve(c, name)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, illegal("alias [%s] has more than one index associated with it, can't execute a single index op", name)
	}
	return found[0], nil
}

// get reads in real time: what was written, whether it was refreshed or not.
func (s *Server) get(c *call) (answer, error) {
	x, err := s.readable(c, c.path["index"])
	if err != nil {
		return answer{}, err
	}
	body := x.fetch(c.path["id"])
	if body["found"] == false {
		return answer{http.StatusNotFound, body}, nil
	}
	return answer{http.StatusOK, body}, nil
}

func (x *index) fetch(id string) object {
	d := x.current(id)
	if d == nil || d.deleted() {
		return object{"_index": x.name, "_id": id, "found": false}
	}
	return object{
		"_index": x.name, "_id": id, "found": true, "_version": d.version, "_seq_no": d.seqNo, "_primary_term": 1,
		"_source": json.RawMessage(d.source),
	}
}

func (s *Server) multiGet(c *call) (answer, error) {
	body, err := c.bodyObject("docs ids")
	if err != nil {
		return answer{}, err
	}
	var wanted []object
	ids, _ := body["ids"].([]any)
	for _, id := range ids {
		wanted = append(wanted, object{"_id": id})
	}
	docs, _ := body["docs"].([]any)
	for _, v := range docs {
		o, err := asObject("docs", v, "_index _id _source routing")
		if err != nil {
			return answer{}, err
		}
		wanted = append(wanted, o)
	}
	if len(wanted) == 0 {
		return answer{}, invalid("no documents to get")
	}
	results := make([]any, len(wanted))
	for i, o := range wanted {
		if results[i], err = s.getItem(c, o); err != nil {
			return answer{}, err
		}
	}
	return answer{http.StatusOK, object{"docs": results}}, nil
}

func (s *Server) getItem(c *call, o object) (object, error) {
	name, _ := cmp.Or(o["_index"], any(c.path["index"])).(string)
	id, _ := o["_id"].(string)
	if name == "" || id == "" {
		return nil, invalid("index or id is missing for doc")
	}
	x, err := s.readable(c, name)
	if err != nil {
		var f *failure
		errors.As(err, &f)
		return object{"_index": name, "_id": id, "error": f.body()["error"]}, nil
	}
	return x.fetch(id), nil
}

// pit is a point in time of an index.
type pit struct {
	*index
	snapshot *snapshot
	filter   matcher
	expires  time.Time
}

func (s *Server) openPIT(c *call) (answer, error) {
	if c.params.Get("keep_alive") == "" {
		return answer{}, invalid("[keep_alive] is not specified")
	}
	keep, err := timeValue("keep_alive", c.params.Get("keep_alive"))
	if err != nil {
		return answer{}, err
	}
	x, err := s.readable(c, c.path["index"])
	if err != nil {
		return answer{}, err
	}
	filter, err := x.filter(c.path["index"])
	if err != nil {
		return answer{}, err
	}
	x.refreshIfDue()
	x.visible.shared = true
	s.serial++
	id := fmt.Sprintf("pit-%d-%s", s.serial, newID())
	s.pits[id] = &pit{x, x.visible, filter, time.Now().Add(keep)}
	return answer{http.StatusOK, object{"id": id, "_shards": object{"total": 1, "successful": 1, "failed": 0, "skipped": 0}}}, nil
}

func (s *Server) closePIT(c *call) (answer, error) {
	body, err := c.bodyObject("id")
	if err != nil {
		return answer{}, err
	}
	id, _ := body["id"].(string)
	if s.pits[id] == nil {
		return answer{http.StatusNotFound, object{"succeeded": true, "num_freed": 0}}, nil
	}
	delete(s.pits, id)
	return answer{http.StatusOK, object{"succeeded": true, "num_freed": 1}}, nil
}

// pointInTime returns an open one, for longer if the request says so.
func (s *Server) pointInTime(v any) (*pit, string, error) {
	o, err := asObject("pit", v, "id keep_alive")
	if err != nil {
		return nil, "", err
	}
	id, _ := o["id"].(string)
	p := s.pits[id]
	if p == nil || time.Now().After(p.expires) {
		delete(s.pits, id)
		return nil, "", refuse(http.StatusNotFound, "search_context_missing_exception", "No search context found for id [%s]", id)
	}
	if keep, ok := o["keep_alive"].(string); ok {
		d, err := timeValue("keep_alive", keep)
		if err != nil {
			return nil, "", err
		}
		p.expires = time.Now().Add(d)
	}
	return p, id, nil
}

// filter returns the filter of the alias that a name is, or what matches everything.
func (x *index) filter(name string) (matcher, error) {
	a := x.aliases[name]
	if a == nil || a.filter == nil {
		return matchAll, nil
	}
	return x.compile(a.filter)
}

func (s *Server) count(c *call) (answer, error) {
	body, err := c.bodyObject("query")
	if err != nil {
		return answer{}, err
	}
	expression := cmp.Or(c.path["index"], "*")
	found, err := s.resolve(c, expression)
	if err != nil {
		return answer{}, err
	}
	n := 0
	for _, x := range found {
		matches, err := x.matcher(expression, body["query"])
		if err != nil {
			return answer{}, err
		}
		x.refreshIfDue()
		for _, d := range x.visible.docs {
			if _, ok := matches(d); ok {
				n++
			}
		}
	}
	return answer{http.StatusOK, object{"count": n, "_shards": object{"total": len(found), "successful": len(found), "skipped": 0, "failed": 0}}}, nil
}

// matcher returns what tells whether a document meets a query, and the filter of the alias that it was asked through.
func (x *index) matcher(name string, query any) (matcher, error) {
	filter, err := x.filter(name)
	if err != nil || query == nil {
		return filter, err
	}
	matches, err := x.compile(query)
	return func(d *document) (float64, bool) {
		if _, ok := filter(d); !ok {
			return 0, false
		}
		return matches(d)
	}, err
}

// wholeNumber reads a number of a request's body.
func wholeNumber(o object, key string, otherwise int) (int, error) {
	v, ok := o[key]
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.Atoi(fmt.Sprint(v))
	if err != nil || n < 0 {
		return 0, illegal("[%s] parameter cannot be negative or no number, found [%v]", key, v)
	}
	return n, nil
}
