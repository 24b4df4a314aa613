package diag

// CQ19xx: advice, which `cqrsgen check` gives. A model that gets advice is valid.
const (
	PlainCRUD        = "CQ1901"
	CheckRepeated    = "CQ1902"
	NamedLikeCommand = "CQ1903"
	NamedLikeEvent   = "CQ1904"
	NamedForNothing  = "CQ1905"
	KeyOfFewRows     = "CQ1906"
	EndlessStream    = "CQ1907"
)

var adviceCodes = []Code{
	{PlainCRUD, "aggregate that is plain CRUD",
		"Advice. Each command becomes the event of the same fields, nothing is ever refused, and a projection has just " +
			"the state. A table would do that with less: one model instead of two, no lag, and no events that must stay " +
			"readable for ever. Events pay where there is something to decide, or where why something changed matters."},
	{CheckRepeated, "projection repeats a command's check",
		"Advice. A fold computes again what every command that leads to its event has checked: it is always the same. " +
			"A rule that is in two places will differ some day. Leave it out, or put the fact into the event."},
	{NamedLikeCommand, "event named like a command",
		"Advice. An event is something that happened, and is named so: `OrderCreated`, not `CreateOrder`. Its name is " +
			"stored for ever, so that it is worth a thought before the first one is."},
	{NamedLikeEvent, "command named like an event",
		"Advice. A command is what somebody wants, and may be refused: `CreateOrder`, not `OrderCreated`."},
	{NamedForNothing, "event that does not say what happened",
		"Advice. `CustomerUpdated` says that something changed, and leaves it to every reader to find out what. Events " +
			"that are named after what happened, `CustomerMoved` or `CustomerRenamed`, answer questions that nobody has asked yet."},
	{KeyOfFewRows, "key of very few rows",
		"Advice. All events of a projection lead to one or two rows. They can't be folded in parallel, and what was " +
			"counted together can't be told apart later. A key with one more field is summed up when it is queried."},
	{EndlessStream, "stream that grows without bounds",
		"Advice. An event adds to what the state holds, so that it is meant to happen again and again; no phase ends the " +
			"stream, and no snapshot is kept. Loading reads all events from the first one."},
}
