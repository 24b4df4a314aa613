package diag

// CQ21xx: what a change of a model breaks. Only `cqrsgen breaking` says so.
const (
	LockTooOld       = "CQ2101"
	AggregateGone    = "CQ2102"
	AggregateRenamed = "CQ2103"
	IDChanged        = "CQ2104"
	UniqueChanged    = "CQ2105"

	EventGone      = "CQ2110"
	EventRenamed   = "CQ2111"
	EventMoved     = "CQ2112"
	VersionLowered = "CQ2113"
	VersionSkipped = "CQ2114"
	HistoryEdited  = "CQ2115"
	EventSplit     = "CQ2116"
	EventRetired   = "CQ2117"

	FieldGone       = "CQ2120"
	FieldRenamed    = "CQ2121"
	FieldAdded      = "CQ2122"
	FieldRetyped    = "CQ2123"
	FieldRequired   = "CQ2124"
	FieldWidened    = "CQ2125"
	PersonalChanged = "CQ2126"

	StructChanged = "CQ2130"
	ScalarChanged = "CQ2131"
	ValueGone     = "CQ2132"
	ValueAdded    = "CQ2133"

	CommandGone   = "CQ2140"
	CommandField  = "CQ2141"
	RuleTightened = "CQ2142"

	ProjectionGone = "CQ2150"
	ColumnChanged  = "CQ2151"
)

var breakingCodes = []Code{
	{LockTooOld, "lock file without all that is compared",
		"A warning. The lock file that the model is compared with was written by a release whose form says less. What both " +
			"know was compared; what can't be known from it is named."},
	{AggregateGone, "aggregate is gone",
		"Its streams are stored, and nothing reads them any more: projections that need its events, and anybody who wants to " +
			"know what happened. Keep the aggregate as long as the log has its streams: with its events, `retired: true`, and one command, " +
			"which nobody needs to send."},
	{AggregateRenamed, "aggregate is called otherwise",
		"Streams are named by their aggregate: `Account/7`. Under another name nobody finds them, and commands begin new " +
			"streams beside them. An aggregate has the name of its streams for ever.\n\nNo declaration gives streams another name. " +
			"Where only the word is another one, `doc` can say so, and whoever shows it to people. Where it is another thing, go " +
			"step by step:\n\n1. Declare the new aggregate beside the old one, with a command that takes over: its event has what a " +
			"state of the old one has come to, and the id of the old stream.\n2. Give the old one a command that ends a stream, " +
			"whose event says what it goes on as.\n3. A subscription, or a program that is run once, gives both commands for each " +
			"old stream. A command id that is made of the stream's id makes it safe to repeat.\n4. Take the other commands of the " +
			"old one away, and mark their events `retired: true`. Projections that need what happened before fold them as ever."},
	{IDChanged, "id of an aggregate changed",
		"The text of an id names the stream. An id of other parts, in another order, or of a scalar or enum that does not read all " +
			"texts of the old one, finds other streams. A wider scalar (uuid to string, int32 to int64) is fine, and so is " +
			"another name of the type.\n\nNo declaration gives streams other ids. Declare another aggregate with the new id, and take " +
			"over what there is: the steps are those of [CQ2103](CQ2103.md)."},
	{UniqueChanged, "unique values that nobody has claimed",
		"A warning. What `unique` says is enforced by claims, which streams from before do not have, or have for another " +
			"spelling of the value (`fold`). Nothing in the model helps: run `ClaimUnique` once, when no process of an older " +
			"release runs any more."},
	{EventGone, "event is gone",
		"It may be stored. Whoever replays its stream then meets an event that nobody knows, and stops. Keep the event " +
			"declared as long as the log may have it."},
	{EventRenamed, "event is stored under another name",
		"An event is known by its name on the wire, which is its own unless `wire` says otherwise. With the old name as " +
			"`wire` it can be called anything."},
	{EventMoved, "event that moved to another aggregate",
		"An event is stored in a stream of its aggregate. Declared in another one, those that are stored are in streams " +
			"of an aggregate that does not know them."},
	{VersionLowered, "version of an event went back",
		"Events are stored with their version. Those of the higher one are newer than all that the model knows: readers " +
			"pause in front of them. A change is undone by another version, not by taking one away."},
	{VersionSkipped, "versions of an event that no release had",
		"A warning. The version rose by more than one since the model that it is compared with. That is fine if releases " +
			"between the two had the others; after a merge it may be one too many."},
	{HistoryEdited, "released step of a history says something else",
		"Events of the older version are stored, and were read by the step as it was: read models and snapshots hold what " +
			"came of it. The step stays as it is; what is to be different now is another version."},
	{EventSplit, "event is read as others that older releases do not know",
		"A warning. From now on the new events are stored in its place, and before the first of them the log says so. Older " +
			"releases stop, and so do those that come back: commands at a stream that has one, read models and subscriptions of the " +
			"event where the log says it, with a `*cqrs.ReplacedEventError`, until the release that knows them runs there. Nothing " +
			"is lost. A read model stops there as well that knows a new one from before and does not fold it. Where they are to go " +
			"on, first deploy a release that has the new events with `retired: true`, folds them, and emits none."},
	{EventRetired, "event does not happen any more",
		"A warning. What is stored is read as ever, by this release and by older ones. Those who are sent events, by the " +
			"exported contracts, are sent no further one: what they did when it came does not happen any more. They need to know " +
			"what comes in its place."},
	{FieldGone, "field of an event is gone, and no version says so",
		"Older releases, and readers of the contract, need the field, and a later field of that name would be read from " +
			"events that are stored. A version whose step says `removed` tells all of them."},
	{FieldRenamed, "field of an event is called otherwise, and no version says so",
		"Fields are stored by name: what is stored under the old one would not be found. A version whose step says `renamed` " +
			"finds it. If it is no renaming, write what was `removed` and what was `added` instead."},
	{FieldAdded, "field of an event that stored ones do not have",
		"Events that are stored have no such field. A version whose step says `added` gives them one: write the value that " +
			"is right for them instead of the one that is suggested. An optional field needs nothing: they have none."},
	{FieldRetyped, "field of an event has another type",
		"What is stored can't be read as the new type. A version with an upcaster in Go converts it, or a new field, under " +
			"a new name, stands beside it."},
	{FieldRequired, "field of an event can't be left out any more",
		"Events that are stored may lack it. An upcaster says what they have instead."},
	{FieldWidened, "field of an event takes values that older releases do not read",
		"A warning. All that is stored can be read. But a process of an older release stops at an event with a value that " +
			"only the new type has. Deploy everywhere first."},
	{PersonalChanged, "mark of personal data changed",
		"Personal data is encrypted as events are stored, with the key of the person. What is stored stays as it is. A new mark " +
			"is a warning: what was stored in clear text is read, and can't be forgotten; older releases stop at events in which " +
			"it is encrypted. Where a mark is gone, or names another person, what is stored is encrypted for the one that the " +
			"old mark names: a version with an upcaster reads it as it was."},
	{StructChanged, "struct changed that events or commands hold",
		"A struct is versioned by those who hold it: a change in it is one of each such event. Each of them needs a version, " +
			"with an upcaster that is given the struct as it was, under another name."},
	{ScalarChanged, "base of a scalar changed",
		"What is stored as the old base can't be read as the new one. Each event that holds it needs a version, with an " +
			"upcaster that is given the old base."},
	{ValueGone, "value of an enum is gone",
		"Events may be stored with it, and readers refuse values that the enum does not have. Keep the value, or give each " +
			"event that holds it a version, with an upcaster that is given the enum as it was."},
	{ValueAdded, "new value of an enum",
		"A warning. Processes of older releases, and readers of the contract, stop at an event that has it. Deploy " +
			"everywhere before anybody writes it."},
	{CommandGone, "command is gone",
		"It is part of the contract: others may send it. Nobody knows who does, so no declaration makes its end safe. Step by " +
			"step:\n\n1. Keep the command, say in its `doc` what takes its place, and publish the contracts.\n2. Have its decider " +
			"reject it, with a rejection that says so: who still sends it finds out by name, and the service's logs and figures " +
			"show how many they are.\n3. When nobody is left, take it away. `breaking --for stored,running` leaves out what only " +
			"concerns readers, where there are none outside."},
	{CommandField, "command does not take what others send",
		"Those who know the contract as it was leave out what is new and needed, send what is gone, or send values that the " +
			"field does not take any more. Where a field is optional, with a `default` perhaps, they need not know of it."},
	{RuleTightened, "rule of a command is tighter",
		"Rules bind commands. What others send, and could send so far, may be refused now. Stored events are not concerned, " +
			"whatever the rules say."},
	{ProjectionGone, "projection is gone, or called otherwise",
		"A warning. Read models are known by the name of their projection. The rows of the old one stay in their stores, as " +
			"they are, until its generations are dropped; whoever queries its table or view by hand reads what was."},
	{ColumnChanged, "column of a read model is gone, or has another type",
		"A warning. The rows are built anew, and the table and view of the new generation have the columns of the model. " +
			"Whoever queries them by hand, from a report perhaps, names a column that is not there, or reads another type."},
}
