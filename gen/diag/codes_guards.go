package diag

// CQ136x: lifecycles.
const (
	PhaseName        = "CQ1360"
	PhaseTwice       = "CQ1361"
	PhaseCount       = "CQ1362"
	MovesSpelling    = "CQ1363"
	UnknownPhase     = "CQ1364"
	NoLifecycle      = "CQ1365"
	PhaseDeclared    = "CQ1366"
	UnreachablePhase = "CQ1367"
	DeadEnd          = "CQ1368"
	NeverPossible    = "CQ1369"
)

var guardCodes = []Code{
	{PhaseName, "bad name of a phase",
		"A phase becomes a constant of Go and a text on the wire: 1 to 64 letters, digits and _. `any` stands for all of " +
			"them, and can't be the name of one."},
	{PhaseTwice, "phase twice",
		"A phase stands twice in one list, or two phases differ only in case or _."},
	{PhaseCount, "bad number of phases",
		"A lifecycle has 2 to 64 phases: with one, nothing ever moves."},
	{MovesSpelling, "bad moves",
		"`moves` says from which phases an event can happen and to which it leads: `new|stalled -> inProgress`, or `any -> " +
			"closed`."},
	{UnknownPhase, "unknown phase",
		"`moves` and `in` name phases of the aggregate's `lifecycle`."},
	{NoLifecycle, "phases without a lifecycle",
		"`moves` and `in` speak of phases, and the aggregate declares none: `lifecycle: [new, open, closed]`."},
	{PhaseDeclared, "phase declared by hand",
		"An aggregate with a `lifecycle` has the state field `phase` already. Its events change it by their `moves`, and in " +
			"no other way."},
	{UnreachablePhase, "unreachable phase",
		"No command leads to the phase: no event that can happen moves there."},
	{DeadEnd, "dead end",
		"No event leaves the phase, and yet it stands before phases that are left. Phases in which streams end stand last: " +
			"if that is meant, put it behind them."},
	{NeverPossible, "never possible",
		"A command, or an event, needs a phase that is never there when it is asked for: the phases of `in` and the " +
			"sources of `moves` contradict each other."},
}

// CQ138x: unique values.
const (
	UnknownStateField  = "CQ1380"
	NeverUnique        = "CQ1381"
	UniqueTwice        = "CQ1382"
	NothingToFold      = "CQ1383"
	RejectionNotFilled = "CQ1384"
)

var uniqueCodes = []Code{
	{UnknownStateField, "unknown field of the state",
		"`unique` names fields of the aggregate's `state`: a value is taken as long as the state has it."},
	{NeverUnique, "type that can't be unique",
		"What is unique must be equal or not without any doubt: texts, integers, times, bools and enums are; lists, maps, " +
			"structs and floating-point numbers are not."},
	{UniqueTwice, "unique twice",
		"The same fields are unique already, or a field stands twice in one list."},
	{NothingToFold, "nothing to fold",
		"`fold` says which strings count as the same. None of the fields is a string."},
	{RejectionNotFilled, "rejection that can't be filled",
		"The generated code makes the rejection of a value that is taken. Its fields are those that are unique, by their " +
			"names, of the types that the state has."},
}
