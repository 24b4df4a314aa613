package diag

// CQ17xx: how events are stored, and how they change.
const (
	WireName  = "CQ1701"
	WireTaken = "CQ1702"
)

var evolutionCodes = []Code{
	{WireName, "bad name to be stored under",
		"The name under which an event is stored has 1 to 129 ASCII letters, digits, `_` and `-`, in parts with a `.` " +
			"between them, and starts with a letter."},
	{WireTaken, "events stored under one name",
		"Two events would be stored under the same name, and could not be told apart. The newer one takes another name " +
			"with `wire`; the older one must keep its own, since events are stored under it."},
}
