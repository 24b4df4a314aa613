package purity

import (
	_ "embed"
	"fmt"
	"go/types"
	"strconv"
	"strings"
	"sync"
)

//go:embed std.txt
var stdText string

//go:embed known.txt
var knownText string

// Known says what the functions and variables of a package do that is not entered.
type Known struct {
	Path string
	// Kind is what they do, "" if they are pure, unless Symbols says otherwise for one of them.
	Kind    Kind
	Symbols []Symbol
}

// Symbol is a function, method or variable of a package: NAME, or TYPE.NAME.
type Symbol struct {
	Name string
	Kind Kind
	// Changes are the parameters whose memory it changes, from the receiver on, if that is Said. New says that its result
	// shares memory with nothing but through its elements, Unordered that it is in the order of a map.
	Changes              []int
	Said, New, Unordered bool
}

// table is what is known of packages that are not entered.
type table struct {
	packages []Known
	byPath   map[string]map[string]Symbol
}

var std = sync.OnceValue(func() *table { return mustParse(stdText) })

var known = sync.OnceValue(func() *table { return mustParse(knownText) })

// Std returns what vet knows of the standard library, and Others what it knows of other modules.
func Std() []Known { return std().packages }

// Others returns what vet knows of modules other than the standard library.
func Others() []Known { return known().packages }

func mustParse(text string) *table {
	t := &table{byPath: map[string]map[string]Symbol{}}
	for line := range strings.Lines(text) {
		if line[0] == '#' {
			continue
		}
		words := strings.Fields(line)
		s := Symbol{Name: words[0], Kind: kindOf(words[1])}
		for _, more := range words[2:] {
			s.say(more)
		}
		if line[0] != '\t' {
			t.packages = append(t.packages, Known{Path: s.Name, Kind: s.Kind})
			t.byPath[s.Name] = map[string]Symbol{"": {Kind: s.Kind}}
			continue
		}
		p := &t.packages[len(t.packages)-1]
		p.Symbols = append(p.Symbols, s)
		t.byPath[p.Path][s.Name] = s
	}
	return t
}

func kindOf(word string) Kind {
	if word == "pure" {
		return ""
	}
	return Kind(word)
}

func (s *Symbol) say(word string) {
	switch numbers, changes := strings.CutPrefix(word, "changes="); {
	case changes:
		s.Said = true
		for n := range strings.SplitSeq(numbers, ",") {
			if i, err := strconv.Atoi(n); err == nil {
				s.Changes = append(s.Changes, i)
			}
		}
	case word == "new":
		s.New = true
	case word == "unordered":
		s.Unordered = true
	default:
		panic(fmt.Sprintf("purity: what is %q in a table?", word))
	}
}

// of returns what the table says about a function or variable, if it has its package.
func (t *table) of(obj types.Object) (Symbol, bool) {
	symbols, ok := t.byPath[obj.Pkg().Path()]
	for path := obj.Pkg().Path(); !ok && strings.Contains(path, "/"); {
		path = path[:strings.LastIndexByte(path, '/')]
		symbols, ok = t.byPath[path+"/..."]
	}
	if !ok {
		return Symbol{}, false
	}
	if s, ok := symbols[symbolName(obj)]; ok {
		return s, true
	}
	return symbols[""], true
}

// symbolName is NAME, or TYPE.NAME of a method.
func symbolName(obj types.Object) string {
	f, ok := obj.(*types.Func)
	if !ok {
		return obj.Name()
	}
	recv := f.Signature().Recv()
	if recv == nil {
		return f.Name()
	}
	t := recv.Type()
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Obj().Name() + "." + f.Name()
	}
	return f.Name()
}

// lookup finds what is known about an object of a package that is not entered. A package of the standard library that
// the table lacks, because it is newer, is not known.
func lookup(obj types.Object) (Symbol, bool) {
	if s, ok := known().of(obj); ok {
		return s, true
	}
	return std().of(obj)
}

// tops are the first parts of the paths of the standard library.
var tops = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{"internal": true, "vendor": true, "cmd": true}
	for _, p := range Std() {
		first, _, _ := strings.Cut(p.Path, "/")
		all[first] = true
	}
	return all
})

func isStd(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return tops()[first]
}

// inTables reports whether a table speaks for a package, so that it is not entered.
func inTables(path string) bool {
	for _, t := range []*table{known(), std()} {
		if _, ok := t.byPath[path]; ok {
			return true
		}
		for p := path; strings.Contains(p, "/"); {
			p = p[:strings.LastIndexByte(p, '/')]
			if _, ok := t.byPath[p+"/..."]; ok {
				return true
			}
		}
	}
	return false
}
