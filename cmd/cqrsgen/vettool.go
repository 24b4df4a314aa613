package main

import (
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/cqrsgen/cqrsgen/gen/purity"
)

// asVetTool does what `go vet -vettool` asks of its tool: to say what it is and which flags it has, and to vet one
// package, which a file describes. It returns if the arguments are no such question, and ends the process otherwise.
func asVetTool(args []string) {
	if len(args) == 0 {
		return
	}
	last := args[len(args)-1]
	isFlag := func(arg string) bool { return strings.HasPrefix(arg, "-") }
	unit := strings.HasSuffix(last, ".cfg") && len(slices.DeleteFunc(slices.Clone(args), isFlag)) == 1
	if unit || len(args) == 1 && (last == "-flags" || strings.HasPrefix(last, "-V=")) {
		unitchecker.Main(purity.Analyzer)
	}
}
