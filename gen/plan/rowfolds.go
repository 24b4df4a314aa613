package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Handler is what a projection does with one event.
type Handler struct {
	*model.Handler
	Event   *Event
	Scratch string
	Folds   []*RowFold
	// InGo and KeysInGo say that the team's type has a method that folds the event, and one that returns its keys, which is
	// called Keys.
	InGo, KeysInGo bool
	Keys           string
	// CopiesStrings says that a row keeps strings of the event.
	CopiesStrings bool
	// Fails says that an expression that is not part of a fold's function can fail.
	Fails bool
	// ParsesID says that an expression depends on the id of the event's stream, and that this is no string. OwnsID says that
	// a row keeps strings of that id.
	ParsesID, OwnsID bool
}

// RowFold is what an event does to one row, or to one row for each element.
type RowFold struct {
	*model.Fold
	// Set is the function that changes the row; it is nil where the fold is in Go, or deletes the row. It takes the event and
	// its meta as it says, and as these say the element and the id of the stream.
	Set                *Fold
	TakesItem, TakesID bool
	// Looks says that `where` depends on the row.
	Looks bool
	// UsesItem says that anything depends on the element.
	UsesItem bool
}

// Plain reports whether the fold always changes just one row, which it can be given at once.
func (f *RowFold) Plain() bool { return f.Each == nil && f.Where == nil && !f.KeyInGo && !f.Delete }

// Makes reports whether the fold makes its row, and changes nothing in it.
func (f *RowFold) Makes() bool { return f.Set != nil && f.Set.Func == "" }

func newHandler(pr *Projection, m *model.Handler, event *Event) *Handler {
	h := &Handler{Handler: m, Event: event, Scratch: event.Scratch, Keys: event.Go + "Keys"}
	for i, fold := range m.Folds {
		suffix := ""
		if i > 0 {
			suffix = strconv.Itoa(i + 1)
		}
		f := newRowFold(pr, fold, "fold"+pr.Name+event.Go+suffix)
		h.Folds = append(h.Folds, f)
		h.KeysInGo = h.KeysInGo || f.KeyInGo
		h.Fails = h.Fails || slices.ContainsFunc(f.around(), (*model.Expr).Fails)
		h.InGo = h.InGo || f.InGo()
		h.CopiesStrings = h.CopiesStrings || f.InGo() && pr.KeepsStrings || f.keepsStrings("event") || f.keepsStrings(f.item())
		h.readsID(f)
	}
	pr.InGo = pr.InGo || h.InGo || h.KeysInGo
	return h
}

// readsID plans how a fold gets at the id of the event's stream: a string stands in the meta as it is.
func (h *Handler) readsID(f *RowFold) {
	if id := h.Event.Aggregate.ID; id != nil && id.Base != model.String {
		h.ParsesID = h.ParsesID || f.TakesID || slices.ContainsFunc(f.around(), func(x *model.Expr) bool { return x.Uses("stream") })
		h.OwnsID = h.OwnsID || f.keepsStrings("stream")
		return
	}
	if f.TakesID {
		f.TakesID, f.Set.Meta = false, true
	}
}

func newRowFold(pr *Projection, m *model.Fold, name string) *RowFold {
	f := &RowFold{Fold: m, Looks: m.Where != nil && m.Where.Uses("row")}
	if m.Change != nil {
		var all []*model.Apply
		for _, h := range pr.On {
			for _, other := range h.Folds {
				all = append(all, other.Change)
			}
		}
		f.Set = planFold(m.Change, name, all)
		for _, n := range nodesOf(m.Change) {
			f.TakesID = f.TakesID || uses(n, "stream")
			f.TakesItem = f.TakesItem || uses(n, f.item())
		}
	}
	f.UsesItem = f.TakesItem || m.Each != nil && m.InGo() ||
		slices.ContainsFunc(f.around(), func(x *model.Expr) bool { return x.Uses(f.item()) })
	return f
}

// item is what expressions call an element; it is empty where there are none.
func (f *RowFold) item() string {
	if f.Each == nil {
		return ""
	}
	return f.Each.Name
}

// around are the expressions of a fold that are not part of its function.
func (f *RowFold) around() []*model.Expr {
	list := slices.Clone(f.Key)
	if f.Where != nil {
		list = append(list, f.Where)
	}
	if f.Each != nil {
		list = append(list, f.Each.Over)
	}
	return list
}

// keepsStrings reports whether strings that come from a root become part of the row, as values or as keys.
func (f *RowFold) keepsStrings(root string) bool {
	if f.Change == nil || root == "" {
		return false
	}
	return slices.ContainsFunc(nodesOf(f.Change), func(n *expr.Node) bool {
		t := model.TypeOf(n.Type)
		return holdsStrings(&t) && uses(n, root)
	})
}

func uses(n *expr.Node, root string) bool {
	found := false
	n.Walk(func(n *expr.Node) { found = found || n.Op == expr.OpName && n.Name == root })
	return found
}

// meaning is what a fold does, as part of a fingerprint.
func (f *RowFold) meaning() []string {
	var parts []string
	if f.Each != nil {
		parts = append(parts, "each "+f.Each.Over.Node.Canonical()+" as "+f.Each.Name)
	}
	if f.Where != nil {
		parts = append(parts, "where "+f.Where.Node.Canonical())
	}
	if f.Looks && !f.Delete && !f.Makes() {
		// Generated code once lost what it changed in a row that was new, so that older rows are not these.
		parts = append(parts, "changes the row that it looked at")
	}
	if f.KeyInGo {
		parts = append(parts, "key: go")
	}
	for _, x := range f.Key {
		parts = append(parts, x.Node.Canonical())
	}
	if f.Change != nil {
		var b strings.Builder
		writeMeaning(&b, f.Change)
		parts = append(parts, "set "+b.String())
	}
	if f.Delete {
		parts = append(parts, "delete")
	}
	return parts
}

// streamField returns the number of the first field of the key that is the id of the event's stream, wherever any event
// leads to; -1 if none is. An id that is no string does not count: two texts of it may be the same id.
func streamField(m *model.Projection) int {
	for i := range m.Key {
		if !slices.ContainsFunc(m.On, func(h *model.Handler) bool {
			return slices.ContainsFunc(h.Folds, func(f *model.Fold) bool { return !keyedByID(h, f, i) })
		}) {
			return i
		}
	}
	return -1
}

// keyedByID reports whether a fold gives a field of the key the id of the event's stream.
func keyedByID(h *model.Handler, f *model.Fold, field int) bool {
	id := h.Event.Aggregate.ID
	if f.KeyInGo || id == nil || id.Base != model.String {
		return false
	}
	n := f.Key[field].Node
	for n.Op == expr.OpConvert {
		n = n.Args[0]
	}
	return n.Op == expr.OpSelect && n.Name == "id" && n.Args[0].Op == expr.OpName && n.Args[0].Name == "stream"
}
