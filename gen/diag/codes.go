package diag

import "slices"

// Code describes a kind of mistake. It stands for that kind for ever: a code is never given to another one. The codes
// are declared in groups, each in a file of its own.
type Code struct {
	// ID is stable: "CQ1203".
	ID string
	// Title names the mistake in a few words.
	Title string
	// Explanation says why it is one, and what to do.
	Explanation string
}

// Codes returns all codes in ascending order.
func Codes() []Code {
	return slices.Concat(
		textCodes,
		keyCodes,
		typeCodes,
		aggregateCodes,
		streamCodes,
		guardCodes,
		uniqueCodes,
		projectionCodes,
		foldCodes,
		queryCodes,
		nameCodes,
		expressionCodes,
		evolutionCodes,
		scenarioCodes,
		adviceCodes,
		teamCodes,
		breakingCodes,
	)
}
