package schema

// form says which values a key takes. The parser's tables carry it so that the JSON Schema of the language, and with it
// what editors complete, comes from the same definitions as the parser.
type form struct {
	kind formKind
	// words are the values of a wordForm.
	words []string
	// elem is what a list or a mapping holds.
	elem *form
	// shape returns the keys of an element. It is a function because shapes hold each other.
	shape func() []keyInfo
	// any has the alternatives of a form that can be written in more ways than one.
	any []form
}

type formKind int

const (
	textForm    formKind = iota + 1 // any text
	numberForm                      // a number, or its text
	boolForm                        // true or false
	wordForm                        // one of words
	nameForm                        // a name that the model declares
	typeForm                        // a type: "optional list of Money"
	goForm                          // a Go expression
	listForm                        // a list of elem
	namedForm                       // a mapping from names to elem
	elementForm                     // a mapping with the keys of shape
	anyForm                         // one of any
)

// keyInfo is what a shape says about one of its keys.
type keyInfo struct {
	name, doc string
	form      form
}

// The forms of values.
var (
	aText       = form{kind: textForm}
	aNumber     = form{kind: numberForm}
	aBool       = form{kind: boolForm}
	aName       = form{kind: nameForm}
	aTypeExpr   = form{kind: typeForm}
	aGoExpr     = form{kind: goForm}
	listOfNames = listOf(aName)
)

func oneWord(words ...string) form { return form{kind: wordForm, words: words} }

func listOf(elem form) form { return form{kind: listForm, elem: &elem} }

// named is a mapping from names to elements.
func named(elem form) form { return form{kind: namedForm, elem: &elem} }

func either(forms ...form) form { return form{kind: anyForm, any: forms} }

// element is a mapping with the keys of a shape.
func element[T any](s func() *shape[T]) form {
	return form{kind: elementForm, shape: func() []keyInfo { return s().infos() }}
}

func (s *shape[T]) infos() []keyInfo {
	infos := make([]keyInfo, len(s.keys))
	for i, k := range s.keys {
		infos[i] = keyInfo{k.name, k.doc, k.form}
	}
	return infos
}
