package diag

// CQ11xx: keys and values.
const (
	NoLanguageVersion = "CQ1101"
	LanguageVersion   = "CQ1102"
	UnknownKey        = "CQ1103"
	DuplicateKey      = "CQ1104"
	WrongForm         = "CQ1105"
	MissingKey        = "CQ1106"
	NotYet            = "CQ1107"
	ValueNotAllowed   = "CQ1108"
	NoValue           = "CQ1109"
)

var keyCodes = []Code{
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
}
