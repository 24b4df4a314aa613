package meaning

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

const (
	even = "\nfunc even(n int64) bool { return n == 0 || odd(n-1) }\n\nfunc odd(n int64) bool { return n != 0 && even(n-1) }\n"
	// places of the fold for a statement
	start, end = "	// it adds\n", "	if float64(row.Sum)*ratio > 10 {"
)

// pairs are of edits, of which the second one renames what the first one wrote.
var pairs = []struct {
	name          string
	before, after edit
	same          bool
}{
	{
		"functions that call each other",
		of("", start, "if even(3) { row.Count++ }\n", "", even),
		of("", start, "if zero(3) { row.Count++ }\n", "",
			"\nfunc zero(n int64) bool { return n == 0 || a(n-1) }\n\nfunc a(n int64) bool { return n != 0 && zero(n-1) }\n"), true,
	},
	{
		"functions that call each other, of which the other one is called",
		of("", start, "if even(3) { row.Count++ }\n", "", even),
		of("", start, "if odd(3) { row.Count++ }\n", "", even), false,
	},
	{
		"functions that call each other, each for the other",
		of("", start, "if even(3) { row.Count++ }\n", "", even),
		of("", start, "if even(3) { row.Count++ }\n", "", "\nfunc even(n int64) bool { return n == 0 || even(n-1) }\n\nfunc odd(n int64) bool { return n != 0 && odd(n-1) }\n"),
		false,
	},
	{
		"functions that do the same",
		of("", start, "row.Count += one() + two()\n", "", "\nfunc one() int64 { counted++; return counted }\n\nfunc two() int64 { more++; return more }\n\nvar counted, more int64\n"),
		of("", start, "row.Count += one() + two()\n", "", "\nfunc one() int64 { counted++; return counted }\n\nfunc two() int64 { counted++; return counted }\n\nvar counted, more int64\n"),
		false,
	},
	{
		"a function whose name is asked for",
		of("", start, "row.Text = name()\n", `	"sort"`, `	"runtime"; "sort"`, "", "\nfunc name() string { _, file, _, _ := runtime.Caller(0); return file }\n"),
		of("", start, "row.Text = aName()\n", `	"sort"`, `	"runtime"; "sort"`, "", "\nfunc aName() string { _, file, _, _ := runtime.Caller(0); return file }\n"),
		false,
	},
	{
		"a function that another module may ask for its name",
		of("", start, "row.Count += one()\n", "", "\nfunc one() int64 { return 1 }\n").
			and("vendor/example.org/round/round.go", "package round", "package round\n\nimport _ \"runtime\""),
		of("", start, "row.Count += eins()\n", "", "\nfunc eins() int64 { return 1 }\n").
			and("vendor/example.org/round/round.go", "package round", "package round\n\nimport _ \"runtime\""),
		false,
	},
	{
		"a type in a function that nothing prints",
		of("", start, "	type local struct{ n int64 }\n	row.Count += local{1}.n\n"),
		of("", start, "	type a struct{ n int64 }\n	row.Count += a{1}.n\n"), true,
	},
	{
		"a type in a function that is printed",
		of("", start, "	type local struct{ n int64 }\n	row.Text = fmt.Sprintf(`%T`, local{1})\n"),
		of("", start, "	type a struct{ n int64 }\n	row.Text = fmt.Sprintf(`%T`, a{1})\n"), false,
	},
	{
		"a type of which a list is printed",
		of("", start, "	row.Text = fmt.Sprintf(`%T`, []tagged{})\n"),
		of("", start, "	row.Text = fmt.Sprintf(`%T`, []a{})\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"), false,
	},
	{
		"a type of which a function is printed",
		of("", start, "	row.Text = fmt.Sprintf(`%T`, func(tagged) {})\n"),
		of("", start, "	row.Text = fmt.Sprintf(`%T`, func(a) {})\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"), false,
	},
	{
		"a type that an assertion names",
		of("", end, "	_ = any.(tagged)\n"+end),
		of("", end, "	_ = any.(a)\n"+end, "type tagged struct", "type a struct", "v := tagged{", "v := a{"), false,
	},
	{
		"a type that a switch names",
		of("", end, "	switch any.(type) {\n	case tagged:\n		row.Count++\n	}\n"+end),
		of("", end, "	switch any.(type) {\n	case a:\n		row.Count++\n	}\n"+end, "type tagged struct", "type a struct", "v := tagged{", "v := a{"),
		false,
	},
	{
		"a type that a loop makes one of an interface",
		of("", start, "	var x any\n	for _, x = range []tagged{{}} {\n		row.Text = fmt.Sprintf(`%T`, x)\n	}\n"),
		of("", start, "	var x any\n	for _, x = range []a{{}} {\n		row.Text = fmt.Sprintf(`%T`, x)\n	}\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"), false,
	},
	{
		"a type that a loop over a function makes one of an interface",
		of("", start, "	var x any\n	for x = range func(yield func(tagged) bool) { yield(tagged{}) } {\n		row.Text = fmt.Sprintf(`%T`, x)\n	}\n"),
		of("", start, "	var x any\n	for x = range func(yield func(a) bool) { yield(a{}) } {\n		row.Text = fmt.Sprintf(`%T`, x)\n	}\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"), false,
	},
	{
		"a type that is received as one of an interface",
		of("", start, "	var x any\n	c := make(chan tagged, 1)\n	c <- tagged{}\n	select {\n	case x = <-c:\n	}\n	row.Text = fmt.Sprintf(`%T`, x)\n"),
		of("", start, "	var x any\n	c := make(chan a, 1)\n	c <- a{}\n	select {\n	case x = <-c:\n	}\n	row.Text = fmt.Sprintf(`%T`, x)\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"), false,
	},
	{
		"a type that is appended as one of an interface",
		of("", start, "	row.Text = fmt.Sprintf(`%T`, append([]any{}, tagged{})[0])\n"),
		of("", start, "	row.Text = fmt.Sprintf(`%T`, append([]any{}, a{})[0])\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"), false,
	},
	{
		"a type that is read from a map as one of an interface",
		of("", start, "	var x any\n	var found bool\n	x, found = map[int]tagged{}[1]\n	row.Text = fmt.Sprintf(`%T %v`, x, found)\n"),
		of("", start, "	var x any\n	var found bool\n	x, found = map[int]a{}[1]\n	row.Text = fmt.Sprintf(`%T %v`, x, found)\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"), false,
	},
	{
		"a type that panics",
		of("", start, "	defer func() { row.Text = fmt.Sprintf(`%T`, recover()) }()\n	panic(tagged{})\n"),
		of("", start, "	defer func() { row.Text = fmt.Sprintf(`%T`, recover()) }()\n	panic(a{})\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"), false,
	},
	{
		"a type that a generic function has within one of its own",
		of("", start, "	row.Text = shown[tagged]()\n", "", "\ntype held[T any] struct{ v T }\n\nfunc shown[T any]() string { return fmt.Sprintf(`%T`, held[T]{}) }\n"),
		of("", start, "	row.Text = shown[a]()\n", "", "\ntype held[T any] struct{ v T }\n\nfunc shown[T any]() string { return fmt.Sprintf(`%T`, held[T]{}) }\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"), false,
	},
	{
		"a type that a generic function makes a list of for another one",
		of("", start, "	row.Text = shown(tagged{})\n", "", "\nfunc shown[T any](v T) string { return printed([]T{v}) }\n\nfunc printed[T any](v T) string { return fmt.Sprintf(`%T`, v) }\n"),
		of("", start, "	row.Text = shown(a{})\n", "", "\nfunc shown[T any](v T) string { return printed([]T{v}) }\n\nfunc printed[T any](v T) string { return fmt.Sprintf(`%T`, v) }\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"), false,
	},
	{
		"a type that is an argument",
		of("", start, "	row.Text = reflect.TypeFor[tagged]().Name()\n", `	"sort"`, `	"reflect"; "sort"`),
		of("", start, "	row.Text = reflect.TypeFor[a]().Name()\n", `	"sort"`, `	"reflect"; "sort"`, "type tagged struct", "type a struct", "v := tagged{", "v := a{"),
		false,
	},
	{
		"an embedded type that nothing prints",
		of("", start, "	row.Count += outer2{}.tagged.b + outer2{tagged: tagged{}}.b\n", "", "\ntype outer2 struct{ tagged }\n"),
		of("", start, "	row.Count += outer2{}.a.b + outer2{a: a{}}.b\n", "", "\ntype outer2 struct{ a }\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"),
		true,
	},
	{
		"an embedded type of what is printed",
		of("", start, "	row.Text = fmt.Sprint(outer2{})\n", "", "\ntype outer2 struct{ tagged }\n"),
		of("", start, "	row.Text = fmt.Sprint(outer2{})\n", "", "\ntype outer2 struct{ a }\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"),
		false,
	},
	{
		"a type with a method for an interface that nothing turns it into",
		of("", start, "	row.Count += tagged{}.size()\n", "", "\nfunc (t tagged) size() int64 { return t.A }\n"),
		of("", start, "	row.Count += tagged{}.length()\n", "", "\nfunc (t tagged) length() int64 { return t.A }\n"), true,
	},
	{
		"a type that the panic of a method expression names",
		of("", start, "	f := (*tagged).size\n	row.Count += f(nil)\n", "", "\nfunc (t tagged) size() int64 { return t.A }\n"),
		of("", start, "	f := (*a).size\n	row.Count += f(nil)\n", "", "\nfunc (t a) size() int64 { return t.A }\n", "type tagged struct", "type a struct", "v := tagged{", "v := a{"),
		false,
	},
	{
		"a type with a method that an interface asks for",
		of("", start, "	var s interface{ size() int64 } = tagged{}\n	row.Count += s.size() + tagged{}.other2()\n", "", "\nfunc (t tagged) size() int64 { return t.A }\n\nfunc (t tagged) other2() int64 { return 1 }\n"),
		of("", start, "	var s interface{ size() int64 } = tagged{}\n	row.Count += s.size() + tagged{}.size()\n", "", "\nfunc (t tagged) size() int64 { return t.A }\n\nfunc (t tagged) other2() int64 { return 1 }\n"),
		false,
	},
}

func TestNamesAreMeaningWhereAProgramCanSeeThemAlone(t *testing.T) {
	s := newShop(t)
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			before, after := s.edited(t, p.before), s.edited(t, p.after)
			if p.same {
				assert.Equal(t, before, after)
			} else {
				assert.NotEqual(t, before, after)
			}
		})
	}
}
