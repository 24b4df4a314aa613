package diag

// CQ14xx: projections.
const (
	NoKey               = "CQ1401"
	KeyType             = "CQ1402"
	NoRow               = "CQ1403"
	NoHandlers          = "CQ1404"
	InKeyAndRow         = "CQ1405"
	UnknownHandled      = "CQ1406"
	UnknownIgnored      = "CQ1407"
	HandledAndIgnored   = "CQ1408"
	IgnoredTwice        = "CQ1409"
	EventNotHandled     = "CQ1410"
	KeyFieldMissing     = "CQ1411"
	KeyFieldUnknown     = "CQ1412"
	EmptyIndex          = "CQ1417"
	IndexUnknownField   = "CQ1418"
	IndexFieldUnordered = "CQ1419"
	IndexDuplicate      = "CQ1420"
	IndexFieldTwice     = "CQ1421"
	NotMaterialized     = "CQ1422"
	NotSearched         = "CQ1423"
)

var projectionCodes = []Code{
	{NoKey, "projection without key",
		"The key tells the rows of a projection apart."},
	{KeyType, "type can't be in a key",
		"Fields of a key can be compared and ordered everywhere in the same way: strings, bools, integers, times, " +
			"durations, dates, uuids, enums, and named scalars over them. None is optional."},
	{NoRow, "projection without row",
		"A row has at least one field besides its key."},
	{NoHandlers, "projection without events",
		"A projection folds at least one event."},
	{InKeyAndRow, "field in key and row",
		"The key is part of every row. A second field of the same name would be the same column."},
	{UnknownHandled, "unknown event handled",
		"The event under `on` is not declared."},
	{UnknownIgnored, "unknown event ignored",
		"The event under `ignore` is not declared."},
	{HandledAndIgnored, "event handled and ignored",
		"An event stands under `on` and under `ignore`."},
	{IgnoredTwice, "event ignored twice",
		"An event stands twice under `ignore`."},
	{EventNotHandled, "event neither handled nor ignored",
		"Where a projection handles one event of an aggregate, it must say of each other one that it handles or ignores " +
			"it. So a new event can't be forgotten silently."},
	{KeyFieldMissing, "key field without value",
		"An event must give every field of the projection's key a value, or its row can't be found."},
	{KeyFieldUnknown, "value for an unknown key field",
		"The projection's key has no such field."},
	{EmptyIndex, "empty index",
		"An index lists at least one field."},
	{IndexUnknownField, "unknown field in an index",
		"Neither the key nor the row has the field."},
	{IndexFieldUnordered, "field can't be indexed",
		"Lists, maps and structs have no order."},
	{IndexDuplicate, "duplicate index",
		"The same fields in the same order are indexed twice."},
	{IndexFieldTwice, "field twice in an index",
		"A field stands twice in one index."},
	{NotMaterialized, "no materialized view",
		"A materialized view is computed by PostgreSQL, from the events of a log that is in the same database. It can be " +
			"had for folds that are declared, of which each changes one row, and for fields that are counts and sums " +
			"(`row.count + 1`, `row.held - event.amount`), the least or the greatest (`max(row.most, event.amount)`), or the " +
			"last of what events say (`event.owner`, `meta.time`). Their types are strings, bools, enums, whole numbers other " +
			"than uint64, times and uuids; none of what they are computed from is personal, and no event has older versions. " +
			"A view follows the events, so that none is `mode: inline`. " +
			"Every other projection folds, in any store."},
	{NotSearched, "field can't be searched",
		"`search` belongs to a field of a projection's key or row that is a string, or optional: `text` finds rows by the " +
			"words of the field, `keyword` by its text as a whole. The values of an enum are found as a whole. Rows are " +
			"searched where they are kept in Elasticsearch, or in memory."},
}
