package diag

// CQ133x: ids of several parts, and aggregates of one instance.
const (
	IDPart       = "CQ1330"
	IDOfOnePart  = "CQ1331"
	SingleWithID = "CQ1332"
)

var streamCodes = []Code{
	{IDPart, "bad part of an id",
		"The text of an id names a stream, so each of its parts has one text: strings, integers, uuids, dates, enums, and " +
			"named scalars over them, all of them required."},
	{IDOfOnePart, "id of one part",
		"An id of several parts has two or more. One part alone is a named scalar: `id: HotelID`."},
	{SingleWithID, "single with an id",
		"An aggregate that is `single` has one instance, and nothing to tell it from others."},
}
