package diag

// CQ133x: ids of several parts, and aggregates of one instance. CQ134x: commands over several streams.
const (
	IDPart       = "CQ1330"
	IDOfOnePart  = "CQ1331"
	SingleWithID = "CQ1332"

	// Commands over several streams.
	UnknownAggregate  = "CQ1340"
	AlsoID            = "CQ1341"
	EachList          = "CQ1342"
	SameStream        = "CQ1343"
	UnknownAlias      = "CQ1344"
	EachEmits         = "CQ1345"
	AlternativesApart = "CQ1346"
)

var streamCodes = []Code{
	{IDPart, "bad part of an id",
		"The text of an id names a stream, so each of its parts has one text: strings, integers, uuids, dates, enums, and " +
			"named scalars over them, all of them required."},
	{IDOfOnePart, "id of one part",
		"An id of several parts has two or more. One part alone is a named scalar: `id: HotelID`."},
	{SingleWithID, "single with an id",
		"An aggregate that is `single` has one instance, and nothing to tell it from others."},
	{UnknownAggregate, "unknown aggregate",
		"An entry of `also` is a stream of an aggregate that the model declares."},
	{AlsoID, "bad id of a further stream",
		"`id` says which stream an entry of `also` is: an expression over the command, and the item where there is an " +
			"`each`, of the type that the aggregate has as id; or one for each part of it. An aggregate that is `single` " +
			"needs none."},
	{EachList, "each without a list",
		"`each` makes a stream for each element of a list that the command has."},
	{SameStream, "the same stream twice",
		"The streams of a command are different ones: two states of one stream would contradict each other. At run time " +
			"such a command is refused with a *cqrs.SameStreamError."},
	{UnknownAlias, "unknown stream",
		"An entry of `emits` goes to the command's own stream, or, as in `target.MoneyDeposited`, to one that the command " +
			"names under `also`."},
	{EachEmits, "event for each of many streams",
		"The streams of an `each` may be any number: their events are `many` or `some`, each with the id of its stream."},
	{AlternativesApart, "alternatives for different streams",
		"Where exactly one of several events happens, all of them go to the same stream."},
}
