package diag

// CQ20xx: the team's code. These findings stand in Go files of the team's, which the tool never changes.
const (
	TeamSyntax      = "CQ2001"
	WrongSignature  = "CQ2002"
	MethodLeftOver  = "CQ2003"
	TypeLeftOver    = "CQ2004"
	NoMethodsOfType = "CQ2005"
	TeamCollides    = "CQ2006"
	MethodsUnseen   = "CQ2007"
	MeaningUnknown  = "CQ2008"
)

var teamCodes = []Code{
	{TeamSyntax, "the team's file is not Go yet",
		"A warning. The file can't be read to its end, so that nothing is appended to it: a stub could stand in the " +
			"middle of something. Everything else is generated. Mend the file and generate again."},
	{WrongSignature, "method with another signature",
		"A method that the generated code calls has other parameters or results than the model asks for. The package " +
			"will not compile; what is generated is written even so, since the method can't be mended without it."},
	{MethodLeftOver, "method that nothing calls any more",
		"A warning. The method has the form of a decider or a fold, and the model has no command or event for it any " +
			"more, or says itself what the event changes. The tool removes no line of the team's: move what is worth " +
			"keeping, and delete the method."},
	{TypeLeftOver, "type that the model does not have any more",
		"A warning. The type was written for an aggregate or a projection that the model does not have. Where that was " +
			"renamed, its new skeleton stands in another file: move the methods over, and delete the old type."},
	{NoMethodsOfType, "type that can't have the methods",
		"The deciders of an aggregate and the folds of a projection are methods of a type that the package declares. " +
			"Neither an interface, nor a type with parameters, nor an alias of another package's type can have them; " +
			"nor can a struct with a field of the method's name."},
	{TeamCollides, "name taken by the team's code",
		"The team's code declares a name that the generated code needs. Nothing is written. Rename one of them: the " +
			"element of the model, or the declaration."},
	{MethodsUnseen, "methods that can't be seen",
		"A warning. The type embeds a type of another package, which may or may not have the methods that are missing. " +
			"No stub is appended, since it would take precedence over a method that is there. The compiler says what is " +
			"missing."},
	{MeaningUnknown, "function whose meaning is not known",
		"A warning. A fold, an apply function, a function for keys or an upcaster in Go does not compile, or reaches " +
			"something that does not. The fingerprint of what it makes then stands for nothing: a program that is built " +
			"with it takes no snapshots of the state, and does not promote a generation of the rows by itself. Mend it " +
			"and generate again."},
}
