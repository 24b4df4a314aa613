package diag

// CQ13xx: aggregates.
const (
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
)

var aggregateCodes = []Code{
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
		"`every` is a number of events from 1 to 2147483647, `bytes` a size in as many bytes, and `age` a duration above " +
			"zero: `90m`, `24h`."},
	{NoEmits, "command without emits",
		"A command that is accepted causes events: `emits: [Opened]`, `maybe Flagged` where it may, `many Moved` where " +
			"it may any number of times."},
	{UnknownEvent, "unknown event",
		"A command emits an event that is not declared."},
	{ForeignEvent, "event of another aggregate",
		"A command emits events of its own aggregate to its own stream. Those of others go to streams that it names under " +
			"`also`: `target.MoneyDeposited`."},
	{EmitsTwice, "event emitted twice",
		"An event stands twice under one command's `emits`. If it may happen more than once, say `many`."},
	{EmitSpelling, "bad entry of emits",
		"An entry is `Event`, `maybe Event`, `some Event` (at least one), `many Event`, or `EventA or EventB` (exactly one of " +
			"them)."},
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
}
