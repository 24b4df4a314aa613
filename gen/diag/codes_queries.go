package diag

// CQ148x: queries.
const (
	QuerySaysNothing = "CQ1480"
	QueryParamType   = "CQ1481"
	QueryParamUnused = "CQ1482"
	QueryNotStored   = "CQ1483"
	QueryOrder       = "CQ1484"
)

var queryCodes = []Code{
	{QuerySaysNothing, "query that says nothing",
		"A query has a `where`, an `order`, or both. All rows in the order of their keys are there without one: `All`."},
	{QueryParamType, "more than a type for a parameter",
		"A parameter of a query has a name and a type. Rules bind what is stored, and a parameter is only compared."},
	{QueryParamUnused, "unused parameter",
		"The `where` does not name the parameter, so that whatever callers give for it would be without effect."},
	{QueryNotStored, "condition that stores can't run",
		"Every store must be able to run a query, by the columns of its rows. A condition compares a field of the row with " +
			"a parameter, a constant, or another field, with == != < <= > >=, asks whether a set has a field's value " +
			"(`param.phases[row.phase]`), or names a bool; and joins such conditions with && || and !. Fields that are " +
			"stored as JSON (lists, sets, maps, structs) can't be compared. What else a query needs belongs into the row, " +
			"where a fold puts it."},
	{QueryOrder, "order that stores can't give",
		"The fields of `order` are columns of the key or the row, each once. Lists, sets, maps and structs have no order."},
}
