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
