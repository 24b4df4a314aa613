package diag

// CQ16xx: expressions, and what is declared with them.
const (
	ExprSyntax   = "CQ1601"
	ExprForeign  = "CQ1602"
	ExprForm     = "CQ1603"
	ExprName     = "CQ1604"
	ExprField    = "CQ1605"
	ExprMismatch = "CQ1606"
	ExprType     = "CQ1607"
	ExprOperator = "CQ1608"
	ExprCall     = "CQ1609"
	ExprConstant = "CQ1610"
	ExprBuild    = "CQ1611"
	ExprTooLong  = "CQ1612"
	ExprPlace    = "CQ1613"
	SamePlace    = "CQ1614"
	MayBeSame    = "CQ1615"
	RemoveWhat   = "CQ1616"
	SetElementIs = "CQ1617"
	FromWhere    = "CQ1618"
)

var expressionCodes = []Code{
	{ExprSyntax, "not an expression",
		"An expression is written as in Go: names, fields, calls and operators that give one value."},
	{ExprForeign, "not how Go writes it",
		"The expression has an operator, a quote or a word of another language. The hint says how Go writes it."},
	{ExprForm, "not for expressions",
		"An expression is a value that is computed without a loop, a function of its own or a change to anything, and " +
			"that exists whatever the event holds: a list can't be indexed, since the index may lie outside. What needs " +
			"more is a fold in Go."},
	{ExprName, "unknown name in an expression",
		"The name is none that the expression can start from, no function, type or constant."},
	{ExprField, "unknown field in an expression",
		"What the path leads to has no such field or method."},
	{ExprMismatch, "types do not go together",
		"An operator takes two values of the same type, as in Go. One of them is converted by its type's name: `int64(x)`."},
	{ExprType, "another type is wanted",
		"The value that the expression gives, or that one of its parts needs, has another type."},
	{ExprOperator, "operator does not apply",
		"The type has no such operator."},
	{ExprCall, "wrong call",
		"A function or method is given too many or too few values, or values that it does not take."},
	{ExprConstant, "no value of the type",
		"A constant is no value of the type that it stands for: a number that does not fit, a date that does not exist, " +
			"a text that is none of an enum's values, a division by zero."},
	{ExprBuild, "struct not complete",
		"A struct that an expression makes needs a value for each field that is not optional, each once."},
	{ExprTooLong, "expression too large",
		"An expression has at most 4,096 bytes and 64 levels of nesting. What is larger is a fold in Go."},
	{ExprPlace, "not a place that can be changed",
		"What an event changes is a field of the state, written without `state.`, or what is reached from there: " +
			"`field`, `field[key]` of a map or set, `field.inner` of a struct, `field[key].inner` of a map's struct."},
	{SamePlace, "changed twice",
		"Two entries change the same place, or one of them a part of what the other one changes as a whole. All values " +
			"are computed before anything changes, so one of the two would be lost."},
	{MayBeSame, "perhaps changed twice",
		"Two entries change entries of one map under keys that may be equal. All values are computed before anything " +
			"changes, so one of the two would then be lost. A fold in Go says what is meant."},
	{RemoveWhat, "can't be removed",
		"`remove` takes away entries of maps and elements of sets. An optional is cleared by `none`."},
	{SetElementIs, "an element is there or not",
		"A set is changed by `set[element]: true`, which adds it, and `set[element]: false`, or `remove`, which takes it " +
			"away."},
	{FromWhere, "from does not belong here",
		"Only a field of an event is filled from the state, by the event's own aggregate, when the event happens."},
}
