package diag

// CQ143x and CQ144x: what a projection does with an event.
const (
	NoFolds          = "CQ1430"
	PartialKey       = "CQ1431"
	KeyFromRow       = "CQ1432"
	KeyIsSet         = "CQ1433"
	SetAndDelete     = "CQ1434"
	CopyUnknownField = "CQ1435"
	CopyType         = "CQ1436"
	EachType         = "CQ1437"
	ElementName      = "CQ1438"
	KeyInGoForEach   = "CQ1439"
	TwoFoldsInGo     = "CQ1440"
	ElementInGo      = "CQ1441"
	UnknownOthers    = "CQ1442"
	NoOthers         = "CQ1443"
	SetToItself      = "CQ1444"
)

var foldCodes = []Code{
	{NoFolds, "event without folds",
		"An event under `on` has a fold, or a list of them. An event that changes nothing stands under `ignore`."},
	{PartialKey, "only part of a key",
		"A fold sees one row, which it finds by the whole key. An event that would touch all rows with part of a key has " +
			"two ways out: put what is missing into the event when it happens, or keep a second projection under the part " +
			"that the event knows, and combine the two when querying."},
	{KeyFromRow, "key that depends on the row",
		"The key says which row there is, so that it can't depend on it: it comes from the event, its stream and its " +
			"meta, and must be the same whenever the event is read."},
	{KeyIsSet, "field of the key set",
		"The key of a row never changes: a row with another key is another row. Delete the one, and set the other."},
	{SetAndDelete, "row changed and deleted",
		"A fold changes its row, or deletes it. Where it depends, two folds with a `where` each do so."},
	{CopyUnknownField, "unknown field copied",
		"`copy` takes fields that the event and the row both have. What has another name there is written in `set`."},
	{CopyType, "field of another type copied",
		"`copy` takes fields that have the same type in the event and in the row. What must be converted is written in " +
			"`set`."},
	{EachType, "no values to go through",
		"`each` takes a list, a set or a map, of the event or as `days(from, to)` gives one."},
	{ElementName, "bad name of an element",
		"`as` names the element of `each` as fields are named; `event`, `row`, `stream` and `meta` have a meaning already."},
	{KeyInGoForEach, "keys in Go for each element",
		"`key: go` returns all the keys that the whole event leads to. `each` would have it called for every element."},
	{TwoFoldsInGo, "two folds in Go for one event",
		"A fold in Go is the method that has the event's name. Of several folds of one event it can be only one: declare " +
			"the others with `set` or `delete`."},
	{ElementInGo, "element of a type without a name",
		"A fold in Go is given the element, in a file of the team's. Times, durations and uuids would need an import there " +
			"that the tool does not add: declare a named scalar over the type."},
	{UnknownOthers, "others of an unknown aggregate",
		"`ignore: others of Order` names an aggregate of the model."},
	{NoOthers, "no others to ignore",
		"Every event that `others` could stand for is handled or ignored by its name."},
	{SetToItself, "set to itself",
		"The value is what stands there already. A field that keeps its value is left out."},
}
