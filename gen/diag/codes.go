package diag

import "slices"

// The codes. Each stands for one kind of mistake, for ever: a code is never given to another one. They are grouped:
// CQ10xx the text and its YAML, CQ11xx keys and values, CQ12xx types, names and rules, CQ13xx aggregates, CQ14xx
// projections, CQ15xx the Go that is generated.
const (
	TooLarge          = "CQ1001"
	NotUTF8           = "CQ1002"
	HiddenCharacter   = "CQ1003"
	Syntax            = "CQ1004"
	SecondDocument    = "CQ1005"
	TooDeep           = "CQ1006"
	AnchorOrAlias     = "CQ1007"
	MergeKey          = "CQ1008"
	Tag               = "CQ1009"
	CutByComment      = "CQ1010"
	SplitByComma      = "CQ1011"
	EmptyFile         = "CQ1012"
	Tabulator         = "CQ1013"
	MustQuote         = "CQ1014"
	Indentation       = "CQ1015"
	NeverClosed       = "CQ1016"
	BadEscape         = "CQ1017"
	NoSpaceAfterColon = "CQ1018"
	TextAfterEnd      = "CQ1019"

	NoLanguageVersion = "CQ1101"
	LanguageVersion   = "CQ1102"
	UnknownKey        = "CQ1103"
	DuplicateKey      = "CQ1104"
	WrongForm         = "CQ1105"
	MissingKey        = "CQ1106"
	NotYet            = "CQ1107"
	ValueNotAllowed   = "CQ1108"
	NoValue           = "CQ1109"

	NotAName        = "CQ1201"
	WrongCase       = "CQ1202"
	UnknownType     = "CQ1203"
	TypeSpelling    = "CQ1204"
	DuplicateName   = "CQ1205"
	FieldsCollide   = "CQ1206"
	ReservedName    = "CQ1207"
	PackageName     = "CQ1208"
	OptionalTwice   = "CQ1209"
	MapKey          = "CQ1210"
	TypeKind        = "CQ1211"
	BaseNotScalar   = "CQ1212"
	EmptyType       = "CQ1213"
	EnumValue       = "CQ1214"
	EnumDuplicate   = "CQ1215"
	Cycle           = "CQ1216"
	TooManyFields   = "CQ1217"
	RuleNotForType  = "CQ1218"
	BadBound        = "CQ1219"
	MinAboveMax     = "CQ1220"
	BadPattern      = "CQ1221"
	NotEncryptedYet = "CQ1222"

	NoID             = "CQ1301"
	IDType           = "CQ1302"
	NoEvents         = "CQ1303"
	NoCommands       = "CQ1304"
	BadSnapshot      = "CQ1305"
	NoEmits          = "CQ1306"
	UnknownEvent     = "CQ1307"
	ForeignEvent     = "CQ1308"
	EmitsTwice       = "CQ1309"
	EmitSpelling     = "CQ1310"
	UnknownRejection = "CQ1311"
	ForeignRejection = "CQ1312"
	RejectsTwice     = "CQ1313"
	EventNotEmitted  = "CQ1314"
	RejectionNotUsed = "CQ1315"

	NoKey               = "CQ1401"
	KeyType             = "CQ1402"
	NoRow               = "CQ1403"
	NoHandlers          = "CQ1404"
	InKeyAndRow         = "CQ1405"
	UnknownHandled      = "CQ1406"
	UnknownIgnored      = "CQ1407"
	HandledAndIgnored   = "CQ1408"
	IgnoredTwice        = "CQ1409"
	EventNotHandled     = "CQ1410"
	KeyFieldMissing     = "CQ1411"
	KeyFieldUnknown     = "CQ1412"
	NotAPath            = "CQ1413"
	PathUnknown         = "CQ1414"
	PathThrough         = "CQ1415"
	PathType            = "CQ1416"
	EmptyIndex          = "CQ1417"
	IndexUnknownField   = "CQ1418"
	IndexFieldUnordered = "CQ1419"
	IndexDuplicate      = "CQ1420"
	IndexFieldTwice     = "CQ1421"

	GoNamesCollide = "CQ1501"
)

// Code describes a kind of mistake.
type Code struct {
	ID string
	// Title names the mistake in a few words.
	Title string
	// Explanation says why it is one, and what to do.
	Explanation string
}

// Codes returns all codes in ascending order.
func Codes() []Code { return slices.Clone(codes) }

var codes = []Code{
	{TooLarge, "file too large",
		"A model file has at most 1 MiB. A context of that size is larger than any team keeps in mind: split it."},
	{NotUTF8, "not UTF-8",
		"Model files are UTF-8 text. The place is that of the first byte of a line that is not."},
	{HiddenCharacter, "hidden character",
		"Control characters, zero-width characters and characters that change the direction of text can make a file " +
			"look different from what it says. They are refused everywhere, comments and escapes included."},
	{Syntax, "not YAML",
		"The file can't be read as YAML from this place on. This is the only mistake that is reported, since what " +
			"stands behind it can't be told."},
	{SecondDocument, "second document",
		"A line `---` starts another YAML document. A file holds one model."},
	{TooDeep, "nested too deep",
		"Mappings and lists nest at most 64 levels, types at most 8. Give an inner part a name of its own."},
	{AnchorOrAlias, "anchor or alias",
		"`&name` and `*name` are anchors and aliases of YAML. The model language has none: what stands in one place " +
			"must be readable there. A text that starts with & or * is quoted."},
	{MergeKey, "merge key",
		"`<<` merges mappings in YAML. The model language does not: declare a struct, or write the keys out."},
	{Tag, "tag",
		"A value that starts with ! is a tag to YAML, which silently loses its meaning as text. Quote it."},
	{CutByComment, "value cut by a comment",
		"In an unquoted value, a # behind a space starts a comment, and the rest of the line is lost. Quote the value. " +
			"A comment behind a value is written with a space: `# like this`."},
	{SplitByComma, "value split at a comma",
		"Within { } and [ ] a comma ends an unquoted value, so that {a: f(x, y)} is two keys to YAML, without any " +
			"error. Quote the value."},
	{EmptyFile, "empty file",
		"The file holds no model. The smallest one has `cqrsgen: 1`, `package`, `types` and `aggregates`."},
	{Tabulator, "tabulator in the indentation",
		"YAML is indented with spaces."},
	{MustQuote, "text must be quoted",
		"The text holds characters that mean something else to YAML: `: ` in any value, brackets and commas within { } " +
			"and [ ], or a first character out of @ ` % [ { * & ! | >. Quote it, in single quotes where it holds a backslash."},
	{Indentation, "wrong indentation",
		"Keys of one mapping start in the same column, and further to the right than the key that they belong to."},
	{NeverClosed, "never closed",
		"A quote or a bracket opens here and does not close where it should."},
	{BadEscape, "unknown escape",
		"In double quotes a backslash starts an escape of YAML, and \\d is none. Patterns are best written in single " +
			"quotes, where a backslash is just a backslash."},
	{NoSpaceAfterColon, "no space after a colon",
		"A colon separates key and value only with a space behind it: `name: string`."},
	{TextAfterEnd, "text behind the end of a value",
		"A value in quotes or brackets ends with the closing one; nothing but a comment may follow."},

	{NoLanguageVersion, "language version missing",
		"`cqrsgen: 1` says which version of the model language the file is written in."},
	{LanguageVersion, "other language version",
		"The file is written for a version of the model language that this cqrsgen does not read. Nothing else of it is " +
			"looked at."},
	{UnknownKey, "unknown key",
		"The key does not belong here. Keys are never ignored, since a misspelt one would be lost silently."},
	{DuplicateKey, "duplicate key",
		"The same key stands twice in one mapping. One of the two would be lost."},
	{WrongForm, "value of another form",
		"A list, a mapping or a single value stands where another of the three belongs."},
	{MissingKey, "required key missing",
		"The element can't do without this key."},
	{NotYet, "not in this version",
		"This belongs to the model language, and this version of cqrsgen does not know it yet. The message says what to " +
			"do instead."},
	{ValueNotAllowed, "value not allowed",
		"The key has a few allowed values, and this is none of them."},
	{NoValue, "no value",
		"The key stands there without a value."},

	{NotAName, "not a name",
		"Names become Go identifiers and names in databases: they have 1 to 64 ASCII letters and digits, and start with " +
			"a letter."},
	{WrongCase, "name in the wrong case",
		"Types, aggregates, events, rejections, commands and projections start with an upper-case letter, fields with a " +
			"lower-case one."},
	{UnknownType, "unknown type",
		"A type is one of the scalars string, bool, int, int32, int64, uint32, uint64, float64, bytes, time, duration, " +
			"uuid and date, or declared under `types`."},
	{TypeSpelling, "type in a wrong spelling",
		"Types are written in words: `optional T`, `list of T`, `map of K to T`."},
	{DuplicateName, "duplicate name",
		"Types, aggregates, events, rejections, commands and projections share one namespace: each becomes a Go type of " +
			"the package. Names that differ only in case are one name."},
	{FieldsCollide, "fields collide",
		"Two fields of one element differ only in case. They would be the same column."},
	{ReservedName, "reserved name",
		"The name is a keyword of Go, so that a Go expression could not name the field."},
	{PackageName, "bad package name",
		"The package is a Go package: lower-case ASCII letters and digits, at most 64, no keyword, no name that Go " +
			"or the generated code needs."},
	{OptionalTwice, "optional twice",
		"A value is there or it is not; there is no third case."},
	{MapKey, "type can't be the key of a map",
		"The keys of a map are strings, integers, enums, or named scalars over strings or integers."},
	{TypeKind, "not one kind of type",
		"A type has just one of `base` (a named scalar), `enum` and `fields` (a struct)."},
	{BaseNotScalar, "base is not a scalar",
		"The base of a named scalar is a built-in scalar, not another declared type, a list or a map."},
	{EmptyType, "type without content",
		"An enum has at least one value, a struct at least one field."},
	{EnumValue, "bad enum value",
		"A value of an enum has 1 to 64 ASCII letters, digits and _, and at least one letter or digit."},
	{EnumDuplicate, "duplicate enum value",
		"Two values of an enum are the same, or differ only in case and _: they would be the same Go constant."},
	{Cycle, "struct contains itself",
		"A struct can't hold itself, neither directly nor through other structs, lists, maps or optionals. The message " +
			"shows the way round."},
	{TooManyFields, "too many fields",
		"A struct, event, command, rejection, state, row or key has at most 64 fields. Group them into structs."},
	{RuleNotForType, "rule not for this type",
		"`min` and `max` bound integers and float64, `minLength` and `maxLength` strings (in characters) and bytes, " +
			"`pattern` strings, `minItems` and `maxItems` lists and maps. On an optional field a rule binds the value if " +
			"there is one. To bound the elements of a list, declare a named scalar."},
	{BadBound, "bad bound",
		"The bound of a rule must be a value of the field's type; a length or a number of items is a whole number from " +
			"0 to 2147483647."},
	{MinAboveMax, "minimum above maximum",
		"No value can meet both bounds."},
	{BadPattern, "bad pattern",
		"The pattern is not a regular expression of Go's package regexp (RE2)."},
	{NotEncryptedYet, "personal data is not encrypted yet",
		"A warning. `personal: true` is kept in the model, but this release stores the field in clear text."},

	{NoID, "aggregate without id",
		"`id` names the type that tells the instances of an aggregate apart."},
	{IDType, "bad id type",
		"The id of an aggregate is a named scalar over string, uuid or an integer, so that ids of different aggregates " +
			"can't be confused."},
	{NoEvents, "aggregate without events",
		"The state of an aggregate is the sum of its events; without one nothing can ever happen to it."},
	{NoCommands, "aggregate without commands",
		"Without a command no event can ever be stored."},
	{BadSnapshot, "bad snapshot policy",
		"`every` is a number of events from 1 to 2147483647."},
	{NoEmits, "command without emits",
		"A command that is accepted causes events: `emits: [Opened]`, `maybe Flagged` where it may, `many Moved` where " +
			"it may any number of times."},
	{UnknownEvent, "unknown event",
		"A command emits an event that is not declared."},
	{ForeignEvent, "event of another aggregate",
		"A command emits events of its own aggregate only: one command changes one stream."},
	{EmitsTwice, "event emitted twice",
		"An event stands twice under one command's `emits`. If it may happen more than once, say `many`."},
	{EmitSpelling, "bad entry of emits",
		"An entry is `Event`, `maybe Event` or `many Event`."},
	{UnknownRejection, "unknown rejection",
		"A command rejects for a reason that is not declared."},
	{ForeignRejection, "rejection of another aggregate",
		"A command rejects with the rejections of its own aggregate."},
	{RejectsTwice, "rejection twice",
		"A rejection stands twice under one command's `rejects`."},
	{EventNotEmitted, "event never emitted",
		"No command emits the event, so it can never happen."},
	{RejectionNotUsed, "rejection never used",
		"No command rejects with it."},

	{NoKey, "projection without key",
		"The key tells the rows of a projection apart."},
	{KeyType, "type can't be in a key",
		"Fields of a key can be compared and ordered everywhere in the same way: strings, bools, integers, times, " +
			"durations, dates, uuids, enums, and named scalars over them. None is optional."},
	{NoRow, "projection without row",
		"A row has at least one field besides its key."},
	{NoHandlers, "projection without events",
		"A projection folds at least one event."},
	{InKeyAndRow, "field in key and row",
		"The key is part of every row. A second field of the same name would be the same column."},
	{UnknownHandled, "unknown event handled",
		"The event under `on` is not declared."},
	{UnknownIgnored, "unknown event ignored",
		"The event under `ignore` is not declared."},
	{HandledAndIgnored, "event handled and ignored",
		"An event stands under `on` and under `ignore`."},
	{IgnoredTwice, "event ignored twice",
		"An event stands twice under `ignore`."},
	{EventNotHandled, "event neither handled nor ignored",
		"Where a projection handles one event of an aggregate, it must say of each other one that it handles or ignores " +
			"it. So a new event can't be forgotten silently."},
	{KeyFieldMissing, "key field without value",
		"An event must give every field of the projection's key a value, or its row can't be found."},
	{KeyFieldUnknown, "value for an unknown key field",
		"The projection's key has no such field."},
	{NotAPath, "not a path",
		"A key's value is taken from the event: `event.field`, also through structs, `stream.id`, `meta.time`, " +
			"`meta.actor`, `meta.commandID`, `meta.correlationID` or `meta.causationID`. Whatever else a key needs " +
			"belongs into the event, where the decider puts it."},
	{PathUnknown, "unknown field in a path",
		"The event, struct, stream or meta has no such field."},
	{PathThrough, "path through a type without fields",
		"A path leads through structs. It can't lead through an optional, a list or a map, of which it would not know " +
			"whether, or which, value is meant; nor has a scalar fields."},
	{PathType, "value of another type",
		"The value that an event gives has another type than the field of the key. Types must be the same by name."},
	{EmptyIndex, "empty index",
		"An index lists at least one field."},
	{IndexUnknownField, "unknown field in an index",
		"Neither the key nor the row has the field."},
	{IndexFieldUnordered, "field can't be indexed",
		"Lists, maps and structs have no order."},
	{IndexDuplicate, "duplicate index",
		"The same fields in the same order are indexed twice."},
	{IndexFieldTwice, "field twice in an index",
		"A field stands twice in one index."},

	{GoNamesCollide, "Go names collide",
		"Two elements of the model would get the same name in the generated Go: a type the name of another's state, a " +
			"field that of a method. Rename one of them."},
}
