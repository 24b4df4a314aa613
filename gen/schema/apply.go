package schema

import "github.com/cqrsgen/cqrsgen/gen/diag"

// Assignment gives a place, as "balances[event.currency]", a value. Both are expressions.
type Assignment struct {
	Target, Value Text
}

// assignments reads a mapping from places to values.
func (p *parser) assignments(e entry) []Assignment {
	entries, _ := p.entries(e, "`"+e.key.Value+"`")
	var list []Assignment
	for _, c := range entries {
		if c.duplicate {
			continue
		}
		if value, ok := p.expression(c); ok {
			list = append(list, Assignment{Target: c.key, Value: value})
		}
	}
	return list
}

// expression reads a Go expression.
func (p *parser) expression(e entry) (Text, bool) {
	if isNull(e.value) && !p.unusable[e.value] {
		p.errorf(diag.NoValue, e.key.At, "an absent optional is `none`", "`%s` has no value", e.key.Value)
		return Text{}, false
	}
	return p.freeText(e)
}

// removals reads the entries of maps and sets that are taken away.
func (p *parser) removals(e entry) []Text { return p.texts(e, "`remove: [\"comments[event.id]\"]`") }

// Check is a rule over several fields: an expression that must be true, and what is wrong where it is not.
type Check struct {
	That, Else Text
	At         diag.Span
}

// checksForm is how checks are written.
var checksForm = listOf(element(func() *shape[Check] { return &checkShape }))

var checkShape = shape[Check]{
	what:     "a check",
	required: []string{"that", "else"},
	keys: []key[Check]{
		{"that", aGoExpr, "What must be true: a Go expression over `self`.", func(p *parser, c *Check, e entry) { c.That, _ = p.expression(e) }},
		{"else", aText, "What is wrong where it is not true.", func(p *parser, c *Check, e entry) { c.Else, _ = p.freeText(e) }},
	},
	instead: map[string]string{
		"if":      "what must be true is `that`",
		"rule":    "what must be true is `that`",
		"message": "what is wrong where it is not true is `else`",
		"error":   "what is wrong where it is not true is `else`",
	},
}

// checks reads a list of checks.
func (p *parser) checks(e entry) []Check {
	const example = `a list: ` + "`check: [{that: self.from < self.to, else: \"ends before it starts\"}]`"
	var list []Check
	for _, n := range p.items(e, example) {
		c := Check{At: p.span(n)}
		item := entry{key: Text{Value: e.key.Value, At: c.At}, value: n}
		before := p.faults
		keys := read(p, &checkShape, item, &c)
		for _, name := range checkShape.required {
			if p.faults == before && keys[name] == Absent {
				p.errorf(diag.MissingKey, c.At, "write `{that: …, else: \"…\"}`", "the check has no `%s`", name)
			}
		}
		list = append(list, c)
	}
	return list
}
