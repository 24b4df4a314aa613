package diag

// CQ17xx: how events are stored, and how they change.
const (
	WireName  = "CQ1701"
	WireTaken = "CQ1702"

	EventVersion = "CQ1703"
	HistoryStep  = "CQ1704"
	HistoryField = "CQ1705"
	RetiredEvent = "CQ1707"
	FormerEvent  = "CQ1708"
)

var evolutionCodes = []Code{
	{WireName, "bad name to be stored under",
		"The name under which an event is stored has 1 to 129 ASCII letters, digits, `_` and `-`, in parts with a `.` " +
			"between them, and starts with a letter."},
	{WireTaken, "events stored under one name",
		"Two events would be stored under the same name, and could not be told apart. The newer one takes another name " +
			"with `wire`; the older one must keep its own, since events are stored under it."},
	{EventVersion, "bad version of an event",
		"The version of an event is a whole number from 1 to 1000. It counts the changes of the event's fields, and is 1 " +
			"where it is left out. An event with a history says which version it has come to."},
	{HistoryStep, "bad step in the history of an event",
		"The history of an event has one step for each version from 2 to its own, each with what was `added` (with the " +
			"value that older events have), `renamed` (old: new) or `removed` (with its type), or with `upcast: go` and all " +
			"fields that the older event had, `from: {field: type}`."},
	{HistoryField, "history does not fit the fields of an event",
		"Walking back from the event's fields, each step must find the fields that it says were added, or given another " +
			"name, and the version before must not have two fields of one name."},
	{RetiredEvent, "retired event that still happens",
		"An event that is `retired` has happened and happens no more: no command emits it. Older ones are folded as ever."},
	{FormerEvent, "event that becomes what it can't",
		"An event with `becomes` is read as other events of its aggregate, which must be declared there and become nothing " +
			"else in turn. Nothing folds the older event itself: it moves nothing, changes nothing, and is in no projection."},
}
