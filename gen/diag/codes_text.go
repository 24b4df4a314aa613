package diag

// CQ10xx: the text and its YAML.
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
)

var textCodes = []Code{
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
}
