package emit

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

// value is a value of the model as a Go literal, where its type is known from the place: a constant needs no
// conversion, an element of a list no type.
func (e *emitter) value(v *model.Value) *jen.Statement {
	if v.Type.Kind == model.Ref && v.Type.Named.Kind == model.Scalar {
		return e.namedValue(v)
	}
	switch v.Type.Kind {
	case model.Optional:
		return e.optionalValue(v)
	case model.List:
		return e.goType(&v.Type).Add(e.items(v))
	case model.Set:
		return e.goType(&v.Type).Add(e.elements(v))
	case model.Map:
		return e.goType(&v.Type).Add(e.entries(v))
	case model.Ref:
		if isExternal(&v.Type) {
			return e.externalValue(v)
		}
		if v.Type.Named.Kind == model.Enum {
			return jen.Id(e.enumConstant(v))
		}
		return jen.Id(v.Type.Named.Name).Add(e.fieldValues(v.Fields))
	}
	return scalarValue(v.Text, v.Type.Kind)
}

// element is a value within a list or a map, whose type stands before them.
func (e *emitter) element(v *model.Value) *jen.Statement {
	switch {
	case v.Type.Kind == model.List:
		return e.items(v)
	case v.Type.Kind == model.Set:
		return e.elements(v)
	case v.Type.Kind == model.Map:
		return e.entries(v)
	case isStruct(&v.Type):
		return e.fieldValues(v.Fields)
	case v.Type.Kind == model.Optional && v.Absent:
		return jen.Values()
	case v.Type.Kind == model.Date:
		return dateValue(v.Text)
	}
	return e.value(v)
}

func (e *emitter) optionalValue(v *model.Value) *jen.Statement {
	if v.Absent {
		return e.goType(&v.Type).Values()
	}
	x := v.Items[0]
	some := jen.Qual(cqrsPath, "Some")
	if !typedLiteral(&x.Type) {
		some = some.Types(e.goType(&x.Type))
	}
	return some.Call(e.value(x))
}

// typedLiteral says whether Go gives a literal the very type by itself.
func typedLiteral(t *model.Type) bool {
	switch t.Kind {
	case model.String, model.Bool, model.Int, model.Bytes, model.Time, model.UUID, model.Date, model.Decimal, model.List, model.Set, model.Map:
		return true
	case model.Ref:
		return t.Named.Kind != model.Scalar || !untyped(t.Named.Base)
	}
	return false
}

// untyped says whether the literals of a scalar are constants without a type.
func untyped(k model.Kind) bool {
	return k != model.Bytes && k != model.Time && k != model.UUID && k != model.Date && k != model.Decimal && k != model.Duration
}

func (e *emitter) namedValue(v *model.Value) *jen.Statement {
	x := scalarValue(v.Text, v.Type.Named.Base)
	if untyped(v.Type.Named.Base) {
		return x
	}
	return jen.Id(v.Type.Named.Name).Call(x)
}

func (e *emitter) enumConstant(v *model.Value) string {
	t := e.NamedOf(v.Type.Named)
	for _, x := range t.Values {
		if x.Wire == v.Text {
			return x.Go
		}
	}
	panic("emit: an enum has no such value")
}

// listing puts what does not fit into one line on lines of their own.
func listing(long bool) jen.Options {
	if long {
		return jen.Options{Open: "{", Close: "\n}", Separator: ",", Multi: true}
	}
	return jen.Options{Open: "{", Close: "}", Separator: ","}
}

func (e *emitter) fieldValues(fields []model.FieldValue) *jen.Statement {
	width := 0
	for _, f := range fields {
		width += len(f.Field.Name) + 4 + valueWidth(f.Value)
	}
	return jen.CustomFunc(listing(width > mostWidth), func(g *jen.Group) {
		for _, f := range fields {
			if f.Value.Type.Kind != model.Optional || !f.Value.Absent {
				g.Id(e.GoName(f.Field)).Op(":").Add(e.fieldValue(f.Field, f.Value))
			}
		}
	})
}

func (e *emitter) items(v *model.Value) *jen.Statement {
	return jen.CustomFunc(listing(valueWidth(v) > mostWidth), func(g *jen.Group) {
		for _, x := range v.Items {
			g.Add(e.element(x))
		}
	})
}

// elements are those of a set.
func (e *emitter) elements(v *model.Value) *jen.Statement {
	return jen.CustomFunc(listing(valueWidth(v)+4*len(v.Items) > mostWidth), func(g *jen.Group) {
		for _, x := range v.Items {
			g.Add(e.value(x)).Op(":").Values()
		}
	})
}

func (e *emitter) entries(v *model.Value) *jen.Statement {
	return jen.CustomFunc(listing(valueWidth(v) > mostWidth), func(g *jen.Group) {
		for _, x := range v.Entries {
			g.Add(e.element(x.Key)).Op(":").Add(e.element(x.Value))
		}
	})
}

// mostWidth is how long a literal may be on one line.
const mostWidth = 60

// valueWidth is about the length of a value's literal.
func valueWidth(v *model.Value) int {
	n := len(v.Text) + 2
	for _, x := range v.Items {
		n += valueWidth(x) + 2
	}
	for _, x := range v.Entries {
		n += valueWidth(x.Key) + valueWidth(x.Value) + 4
	}
	for _, f := range v.Fields {
		n += len(f.Field.Name) + valueWidth(f.Value) + 4
	}
	if t := v.Type; t.Kind == model.Ref && t.Named.Kind != model.Scalar {
		n += len(t.Named.Name)
	}
	return n
}

// scalarValue is a scalar's literal.
func scalarValue(text string, k model.Kind) *jen.Statement {
	switch k {
	case model.String:
		return jen.Lit(text)
	case model.Bytes:
		b, _ := base64.StdEncoding.DecodeString(text)
		return jen.Index().Byte().Call(jen.Lit(string(b)))
	case model.Time:
		t, _ := time.Parse(time.RFC3339Nano, text)
		return timeValue(t)
	case model.Duration:
		d, _ := time.ParseDuration(text)
		return durationValue(d)
	case model.UUID:
		return jen.Qual(uuidPath, "MustParse").Call(jen.Lit(text))
	case model.Date:
		return jen.Qual(cqrsPath, "Date").Add(dateValue(text))
	case model.Decimal:
		return jen.Qual(cqrsPath, "MustDecimal").Call(jen.Lit(text))
	case model.Float64:
		return floatValue(text)
	}
	return jen.Op(text) // true, false, or an integer
}

func dateValue(text string) *jen.Statement {
	t, _ := time.Parse(time.DateOnly, text)
	return inline([]entry{
		{"Year", jen.Lit(t.Year())}, {"Month", jen.Lit(int(t.Month()))}, {"Day", jen.Lit(t.Day())},
	})
}

func floatValue(text string) *jen.Statement {
	f, _ := strconv.ParseFloat(text, 64)
	if f == 0 {
		text = "0" // Go has no constant that is negative and zero
	}
	return jen.Op(strings.Replace(text, "e+", "e", 1))
}

func timeValue(t time.Time) *jen.Statement {
	return jen.Qual("time", "Date").Call(
		jen.Lit(t.Year()), jen.Lit(int(t.Month())), jen.Lit(t.Day()), jen.Lit(t.Hour()), jen.Lit(t.Minute()),
		jen.Lit(t.Second()), jen.Lit(t.Nanosecond()), jen.Qual("time", "UTC"))
}

// durationValue is a duration in its largest unit.
func durationValue(d time.Duration) *jen.Statement {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{
		{time.Hour, "Hour"}, {time.Minute, "Minute"}, {time.Second, "Second"}, {time.Millisecond, "Millisecond"},
		{time.Microsecond, "Microsecond"},
	} {
		if d != 0 && d%u.unit == 0 {
			return jen.Op(strconv.FormatInt(int64(d/u.unit), 10)).Op("*").Qual("time", u.name)
		}
	}
	return jen.Qual("time", "Duration").Call(jen.Op(strconv.FormatInt(int64(d), 10)))
}
