package diag

// CQ12xx: types, names and rules.
const (
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
	SetElement      = "CQ1230"
	AmbiguousName   = "CQ1231"
	TypeNotUsed     = "CQ1232"
	OtherPackage    = "CQ1233"
	PersonalSubject = "CQ1234"
	DefaultHere     = "CQ1235"
	PersonalLeaks   = "CQ1236"
	PersonalHere    = "CQ1237"

	ExternalSpelling     = "CQ1260"
	ExternalNotLoaded    = "CQ1261"
	ExternalUnknown      = "CQ1262"
	ExternalNotEncodable = "CQ1263"
	ExternalClosed       = "CQ1264"
	ExternalValue        = "CQ1265"
)

var typeCodes = []Code{
	{NotAName, "not a name",
		"Names become Go identifiers and names in databases: they have 1 to 64 ASCII letters and digits, and start with " +
			"a letter."},
	{WrongCase, "name in the wrong case",
		"Types, aggregates, events, rejections, commands and projections start with an upper-case letter, fields with a " +
			"lower-case one."},
	{UnknownType, "unknown type",
		"A type is one of the scalars string, bool, int, int32, int64, uint32, uint64, float64, bytes, time, duration, " +
			"uuid, date and decimal, or declared under `types`."},
	{TypeSpelling, "type in a wrong spelling",
		"Types are written in words: `optional T`, `list of T`, `set of T`, `map of K to T`."},
	{DuplicateName, "duplicate name",
		"Types, aggregates, events, rejections, commands and projections share one namespace: each becomes a Go type of " +
			"the package. Only events, rejections and commands of different aggregates can have the same name. Names that " +
			"differ only in case are one name."},
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
		"`min` and `max` bound integers, float64 and decimals, `minLength` and `maxLength` strings (in characters) and bytes, " +
			"`pattern` strings, `minItems` and `maxItems` lists, sets and maps, `distinct` lists. On an optional field a rule binds the value if " +
			"there is one. To bound the elements of a list, declare a named scalar."},
	{BadBound, "bad bound",
		"The bound of a rule must be a value of the field's type; a length or a number of items is a whole number from " +
			"0 to 2147483647."},
	{MinAboveMax, "minimum above maximum",
		"No value can meet both bounds."},
	{BadPattern, "bad pattern",
		"The pattern is not a regular expression of Go's package regexp (RE2)."},
	{SetElement, "type can't be in a set",
		"The elements of a set are strings, integers, durations, uuids, dates, decimals, enums, or named scalars over them: values " +
			"that are the same or not, and have an order."},
	{AmbiguousName, "ambiguous name",
		"Several aggregates have something of this name. Outside of its aggregate it is named with that: `Cart.ItemAdded`."},
	{TypeNotUsed, "type is not used",
		"A warning. Nothing in the model refers to the type: it is left over, or its name is missing somewhere."},
	{OtherPackage, "another package",
		"The model files of a folder are one model, since a folder is one Go package: all of them say the same `package`."},
	{PersonalSubject, "nobody's personal data",
		"`personal: {of: …}` names the person that the data belong to: by a field of the same event, command or state, which " +
			"is an id. Structs and rows inherit it from the fields that hold them."},
	{DefaultHere, "default not here",
		"A default stands for a field that the caller of a command leaves out, which is an optional field. Events have what " +
			"happened; what older events did not have is said in their `history`."},
	{PersonalLeaks, "personal data would go elsewhere",
		"What is marked `personal` is encrypted, and has a type of its own. An expression can copy it, as it is, into a field " +
			"of the same type that is personal too, and do nothing else with it; and nothing else goes into such a field. Folds " +
			"in Go can read it, by `Reveal`."},
	{PersonalHere, "personal data can't be here",
		"Ids and keys are names, which are stored in clear text, and columns that are encrypted can't be searched, indexed or " +
			"ordered by. What a struct marks is not marked again where the struct is used."},
	{ExternalSpelling, "type of a Go package in a wrong spelling",
		"A type of a Go package is written `go:import/path.Type`: the path as Go imports it, a point, and a name with an " +
			"upper-case first letter."},
	{ExternalNotLoaded, "Go package can't be loaded",
		"The go command, run in the model's folder, does not find the package or can't compile it. The message says why."},
	{ExternalUnknown, "no such type in the Go package",
		"The package declares no type of this name."},
	{ExternalNotEncodable, "Go type can't be encoded",
		"What a model uses is stored as JSON: a type of a Go package has the methods MarshalJSON and UnmarshalJSON, or " +
			"MarshalText and UnmarshalText, or is made of exported fields that encoding/json writes and reads back. The " +
			"methods that marshal have a value as receiver, since values are copied."},
	{ExternalClosed, "Go package can't be imported here",
		"The generated package can't import itself, a command, or a folder `internal` of another tree."},
	{ExternalValue, "value of a Go type",
		"The values of a type of a Go package are known to that package only. Scenarios write them as the text or the JSON " +
			"that the type reads; examples, defaults and values for older events can't have them."},
}
