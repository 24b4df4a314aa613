package model

import (
	"math"
	"strconv"
	"time"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// aggregate resolves what an aggregate declares. Its parts are declared already.
func (r *resolver) aggregate(a *schema.Aggregate, m *Aggregate) {
	m.ID, m.Single = r.id(a, m), a.Single.Given()
	m.Snapshot = Snapshot{
		Every: r.snapshotBound(a.Snapshot.Every, "every", "events"),
		Bytes: r.snapshotBound(a.Snapshot.Bytes, "bytes", "bytes"),
		Age:   r.snapshotAge(a.Snapshot.Age),
	}
	m.State = r.fields("the state of "+m.Name, r.stateFields(a, m))
	r.fieldsUnknown[m] = unread(a.Keys, "state", len(a.State))
	if missing(a.Keys, "events", len(a.Events)) {
		r.errorf(diag.NoEvents, a.Name.At, "add `events:`", "the aggregate %s has no events", m.Name)
	}
	if missing(a.Keys, "commands", len(a.Commands)) {
		r.errorf(diag.NoCommands, a.Name.At, "add `commands:`", "the aggregate %s has no commands", m.Name)
	}
	for i, e := range a.Events {
		m.Events[i].Fields = r.fields("the event "+e.Name.Value, e.Fields)
		r.fieldsUnknown[m.Events[i]] = unread(e.Keys, "fields", len(e.Fields))
		r.evolution(e, m.Events[i])
		m.Events[i].Retired = e.Keys["retired"] != schema.Absent
	}
	r.former(a, m)
	for i, x := range a.Rejections {
		m.Rejections[i].Fields = r.fields("the rejection "+x.Name.Value, x.Fields)
	}
}

// commands resolves the commands of an aggregate. They can name what any aggregate declares.
func (r *resolver) commands(a *schema.Aggregate, m *Aggregate) *usage {
	u := &usage{rejections: map[string]*Rejection{}, rejected: map[string]bool{}}
	index(u.rejections, m.Rejections, func(x *Rejection) string { return x.Name })
	for i, c := range a.Commands {
		r.command(c, m.Commands[i], u)
	}
	r.unique(a, m, u)
	return u
}

// behaviour resolves what events and commands do to the phases and the state of an aggregate.
func (r *resolver) behaviour(a *schema.Aggregate, m *Aggregate) {
	r.lifecycle(a, m)
	for i, e := range a.Events {
		m.Events[i].Apply = r.apply(e, m.Events[i])
		r.from(e.Fields, m.Events[i])
	}
}

const noSnapshots = "leave `snapshot` out to have none"

func (r *resolver) snapshotBound(t schema.Text, key, of string) int {
	if !t.Given() {
		return 0
	}
	n, err := strconv.ParseInt(t.Value, 10, 32)
	if err != nil || n < 1 {
		r.errorf(diag.BadSnapshot, t.At, noSnapshots,
			"`%s` is a number of %s from 1 to %d, not %q", key, of, math.MaxInt32, t.Value)
		return 0
	}
	return int(n)
}

func (r *resolver) snapshotAge(t schema.Text) time.Duration {
	if !t.Given() {
		return 0
	}
	d, err := time.ParseDuration(t.Value)
	if err != nil || d <= 0 {
		r.errorf(diag.BadSnapshot, t.At, "write `90m` or `24h`, or "+noSnapshots,
			"`age` is a duration above zero, not %q", t.Value)
		return 0
	}
	return d
}

// usage says which events and rejections the commands of an aggregate use.
type usage struct {
	// rejections are those of the aggregate.
	rejections map[string]*Rejection

	rejected map[string]bool
	// The rest is unknown where a command's emits or rejects could not be read.
	emitsUnknown, rejectsUnknown bool
}

func (r *resolver) command(c *schema.Command, m *Command, u *usage) {
	switch c.Creates.Value {
	case "true":
		m.Creates = MustBeNew
	case "maybe":
		m.Creates = MayExist
	}
	m.Fields = r.fields("the command "+m.Name, c.Fields)
	m.Checks = r.checks(c.Checks, m.Fields, "the command "+m.Name, unread(c.Keys, "fields", len(c.Fields)))
	if missing(c.Keys, "emits", len(c.Emits)) {
		r.errorf(diag.NoEmits, c.Name.At, "add `emits: [Event]`", "the command %s emits nothing", m.Name)
		u.emitsUnknown = true
	}
	u.emitsUnknown = u.emitsUnknown || c.Keys["emits"] == schema.Faulty
	if c.Keys["also"] != schema.Absent && (u.emitsUnknown || c.Keys["also"] == schema.Faulty) {
		r.emitsElsewhere = true
	}
	r.also(c, m)
	u.rejectsUnknown = u.rejectsUnknown || c.Keys["rejects"] == schema.Faulty
	r.emits(c, m)
	r.rejects(c, m, u)
}

func (r *resolver) rejects(c *schema.Command, m *Command, u *usage) {
	seen := map[*Rejection]schema.Text{}
	for _, name := range c.Rejects {
		x := r.ownRejection(name, m.Aggregate, u)
		if x == nil {
			continue
		}
		if first, twice := seen[x]; twice {
			r.clash(diag.RejectsTwice, name.At, first.At, "the first one", "%s rejects with %s twice", m.Name, x.Name)
			continue
		}
		seen[x] = name
		m.Rejects = append(m.Rejects, x)
	}
}

// ownRejection finds a rejection that a command rejects with.
func (r *resolver) ownRejection(name schema.Text, a *Aggregate, u *usage) *Rejection {
	x := u.rejections[name.Value]
	if x == nil {
		x = r.rejections.first(name.Value)
	}
	if x != nil && x.Aggregate == a {
		u.rejected[x.Name] = true
		return x
	}
	if x != nil {
		r.clash(diag.ForeignRejection, name.At, x.At, x.Name+" is declared here",
			"%s is a rejection of %s: a command of %s can't reject with it", x.Name, x.Aggregate.Name, a.Name)
		return nil
	}
	if r.rejectionsUnknown {
		u.rejectsUnknown = true
		return nil
	}
	var own []string
	for _, x := range a.Rejections {
		own = append(own, x.Name)
	}
	hint, near := r.hint(name.Value, own)
	u.rejected[near] = true
	r.errorf(diag.UnknownRejection, name.At, hint, "unknown rejection %q", name.Value)
	return nil
}

// unused reports the events and rejections that no command of their aggregate uses.
func (r *resolver) unused(a *Aggregate, u *usage) {
	for _, e := range a.Events {
		if !u.emitsUnknown && !r.emitsElsewhere && !r.emitted[e] && !e.Retired {
			r.errorf(diag.EventNotEmitted, e.At, "name it in the `emits` of a command, or write `retired: true` if there are older ones",
				"no command emits %s: it can never happen", e.Name)
		}
	}
	for _, x := range a.Rejections {
		if !u.rejectsUnknown && !u.rejected[x.Name] {
			r.errorf(diag.RejectionNotUsed, x.At, "name it in the `rejects` of a command",
				"no command rejects with %s", x.Name)
		}
	}
}
