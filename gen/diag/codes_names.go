package diag

// CQ15xx: the Go that is generated.
const (
	GoNamesCollide = "CQ1501"
)

var nameCodes = []Code{
	{GoNamesCollide, "Go names collide",
		"Two elements of the model would get the same name in the generated Go: a type the name of another's state, a " +
			"field that of a method. Rename one of them."},
}
