package diag

// CQ18xx: scenarios.
const (
	ScenarioParts     = "CQ1801"
	ScenarioForm      = "CQ1802"
	ScenarioUnknown   = "CQ1803"
	ScenarioField     = "CQ1804"
	ScenarioValue     = "CQ1805"
	ScenarioMissing   = "CQ1806"
	ScenarioRule      = "CQ1807"
	ScenarioTwice     = "CQ1808"
	ScenarioVersion   = "CQ1809"
	ScenarioNever     = "CQ1810"
	ScenarioDefaultID = "CQ1811"
)

var scenarioCodes = []Code{
	{ScenarioParts, "scenario without an expectation",
		"A scenario executes a command (`when`) and says what it leads to (`then`), or says which `rows` there are after " +
			"what is `given`, or both."},
	{ScenarioForm, "part of a scenario in a wrong form",
		"Events stand in lists, each with its fields: `[{MoneyDeposited: {money: {…}}}]`; below the name of a stream " +
			"where there are several: `[{Account/acc-1: [{…}]}]`. A command is `{Withdraw: {…}}` or `{Account/acc-1: " +
			"{Withdraw: {…}}}`, a rejection `{rejection: {InsufficientFunds: {…}}}`, rows are `{Projection: [{…}]}`."},
	{ScenarioUnknown, "unknown name in a scenario",
		"A scenario names an event, command, rejection, projection or aggregate that is not declared, or not there."},
	{ScenarioField, "unknown field in a scenario",
		"The event, command, rejection, row or struct has no such field."},
	{ScenarioValue, "value in a scenario of another type",
		"The value can't be read as the type of its field. Values are read as they stand there, by their type: `no` is a " +
			"text where a string is expected, and no bool where one is."},
	{ScenarioMissing, "field left out",
		"What is given, and the command, need all fields that are not optional. Only expectations may leave fields out, " +
			"which are then not compared."},
	{ScenarioRule, "value breaks a rule",
		"Rules bind commands, so that this one would be refused before anything is decided."},
	{ScenarioTwice, "key twice in a map",
		"A map has each key once, however it is written: 1 and 01 are the same number."},
	{ScenarioVersion, "unknown version of an event",
		"`Event@1` is an event as an earlier version of its declaration stored it. The version must be one that the event " +
			"has, or had."},
	{ScenarioNever, "expectation that can't be met",
		"The command's `emits` and `rejects` say what it can lead to. Anything else is never stored."},
	{ScenarioDefaultID, "stream must be named",
		"Where a scenario names no stream, it is that of the `example` of the id's type; without one `Account/account-1`, " +
			"and 1 for ids that are numbers. Here the rules of the id refuse that: name the stream, or give the type an " +
			"`example`."},
}
