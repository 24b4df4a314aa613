package schema

// form says which values a key takes. The parser's tables carry it so that the JSON Schema of the language, and with it
// what editors complete, comes from the same definitions as the parser.
type form struct {
	kind formKind
	// words are the values of a wordForm.
	words []string
	// elem is what a list or a mapping holds.
	elem *form
	// pattern is that of the texts of a patternForm.
	pattern string
	// keys is the pattern of the keys of a mapping from names, "" for any.
	keys string
	// shape returns the shape of an element. It is a function because shapes hold each other.
	shape func() shapeInfo
	// any has the alternatives of a form that can be written in more ways than one.
	any []form
}

type formKind int

const (
	textForm    formKind = iota + 1 // any text
	valueForm                       // any text, also one that YAML has a word for: null, ~
	patternForm                     // a text that pattern matches
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
	writtenForm                     // a value of any type
)

// shapeInfo is what a shape says about an element.
type shapeInfo struct {
	what              string
	keys              []keyInfo
	required, justOne []string
	notEmpty          bool
}

// keyInfo is what a shape says about one of its keys.
type keyInfo struct {
	name, doc string
	form      form
}

// The forms of values.
var (
	aText       = form{kind: textForm}
	aValue      = form{kind: valueForm}
	aNumber     = form{kind: numberForm}
	aBool       = form{kind: boolForm}
	aName       = form{kind: nameForm}
	aTypeExpr   = form{kind: typeForm}
	aGoExpr     = form{kind: goForm}
	aWritten    = form{kind: writtenForm}
	listOfNames = listOf(aName)
)

func oneWord(words ...string) form { return form{kind: wordForm, words: words} }

func listOf(elem form) form { return form{kind: listForm, elem: &elem} }

// named is a mapping from any names to elements.
func named(elem form) form { return form{kind: namedForm, elem: &elem} }

// The patterns of names. Package model checks names, and says more about them.
const (
	upperName = "^[A-Z][A-Za-z0-9]{0,63}$"
	lowerName = "^[a-z][A-Za-z0-9]{0,63}$"
)

// namedVersions is a mapping from versions to elements.
func namedVersions(elem form) form { return form{kind: namedForm, elem: &elem, keys: "^[1-9][0-9]*$"} }

// namedTypes is a mapping from names that become Go types: of types, aggregates, events and the like.
func namedTypes(elem form) form { return form{kind: namedForm, elem: &elem, keys: upperName} }

// namedFields is a mapping from names of fields.
func namedFields(elem form) form { return form{kind: namedForm, elem: &elem, keys: lowerName} }

func either(forms ...form) form { return form{kind: anyForm, any: forms} }

// element is a mapping with the keys of a shape.
func element[T any](s func() *shape[T]) form {
	return form{kind: elementForm, shape: func() shapeInfo { return s().info() }}
}

func (s *shape[T]) info() shapeInfo {
	info := shapeInfo{what: s.what, required: s.required, justOne: s.justOne, notEmpty: s.notEmpty}
	for _, k := range s.keys {
		info.keys = append(info.keys, keyInfo{k.name, k.doc, k.form})
	}
	return info
}
