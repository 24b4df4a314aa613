package purity

import (
	"cmp"
	"fmt"
)

// Kind says what a function must not do. Kinds are part of what is reported, and stay as they are.
type Kind string

// The kinds of findings.
const (
	IO          Kind = "io"
	Clock       Kind = "clock"
	Random      Kind = "random"
	Environment Kind = "environment"
	Goroutine   Kind = "goroutine"
	Channel     Kind = "channel"
	Lock        Kind = "lock"
	Context     Kind = "context"
	Global      Kind = "global"
	MapOrder    Kind = "maporder"
	Mutation    Kind = "mutation"
	Retention   Kind = "retention"
	Unresolved  Kind = "unresolved"
	CommandSide Kind = "commandside"
	ThirdParty  Kind = "thirdparty"
	// Vouching is what is wrong with a //cqrs:pure comment.
	Vouching Kind = "vouching"
)

// Position is a place in a file.
type Position struct {
	File      string
	Line, Col int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

func (p Position) compare(q Position) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Col, q.Col))
}

// Summary is all that is known about a package when its functions are followed.
type Summary struct {
	Path string
	// Funcs are in the order of their names. The initial value of a package variable is one of them, as `var NAME`.
	Funcs []*Func
	Roots []Root
	// Implementations say which methods are behind the methods of interfaces.
	Implementations []Implementation
	// Misplaced are comments that vouch for nothing.
	Misplaced []Misplaced
}

// Func is what a function does by itself. Its parameters are numbered from its receiver on, if it has one.
type Func struct {
	// Name is its full name, which is unique in a program. Short is what people call it.
	Name, Short string
	At          Position
	Params      []string
	// Vouched says that somebody vouches for the function, and Reason why.
	Vouched bool
	Reason  string
	// Command says that it belongs to the side of commands.
	Command bool
	// Initial says that the function runs before main only: init, or the initial value of a variable.
	Initial bool
	// Exported says that packages which are not known may call it.
	Exported bool

	Effects []Effect
	Uses    []Use
	Writes  []Write
	Stores  []Store
	// Calls are parameters, or what they hold, that are called as functions or through interfaces.
	Calls []Call
	// Results say for each result what it may share memory with.
	Results []Origins
}

// Effect is something impure that a function does itself.
type Effect struct {
	Kind Kind
	At   Position
	// Text continues "the function …".
	Text string
	// Later says that it is in a function value that is kept, so that it is not over before main.
	Later bool
}

// Use is a call of, or a reference to, a function or package variable of the module.
type Use struct {
	// Name is the function's or `var NAME`; Interface is set where Name is a method of an interface.
	Name      string
	Short     string
	Interface string
	At        Position
	// Called says that it is called there, and not only referred to. Args say for each parameter, from the receiver on,
	// what is passed.
	Called bool
	Args   []Origins
	// Later is as that of Effect.
	Later bool
}

// Origins say what a value may share memory with.
type Origins []Origin

// Origin is one of them: a parameter, or a package variable if Global is not empty. The value leads to it behind Fresh
// steps through memory that is its own, and there it is what is found Depth steps behind the parameter's value.
type Origin struct {
	Param        int
	Global       string
	Fresh, Depth int
}

// Write is a change of memory that a parameter leads to in Depth steps, or of a package variable.
type Write struct {
	Param  int
	Global string
	Depth  int
	At     Position
	Text   string
	// Later is as that of Effect.
	Later bool
}

// Store keeps what From is in memory of a parameter, or of a package variable.
type Store struct {
	Into   int
	Global string
	From   Origin
	At     Position
	Text   string
}

// Call is a call of what a parameter is or holds.
type Call struct {
	Param int
	At    Position
	Text  string
}

// Implementation says that Method is behind the method of an interface.
type Implementation struct {
	Interface string // with the method, as in Use
	Method    string
}

// Role says why a function has to be pure.
type Role string

// The roles of roots.
const (
	Decider  Role = "decider"
	Apply    Role = "apply function"
	Fold     Role = "fold"
	Keys     Role = "key function"
	Upcaster Role = "upcaster"
)

// Root is a function that generated code calls, and that has to be pure.
type Root struct {
	Role Role
	Func string
	// Changes are the parameters that it is there to change.
	Changes []int
	// Event is the parameter of the event, 0 if there is none. Shared says that the function is called several times for
	// one event, each time for another row: what it keeps of the event would belong to several.
	Event  int
	Shared bool
	// At is where the generated code asks for it.
	At Position
}

// Misplaced is a comment that vouches for nothing.
type Misplaced struct {
	At   Position
	Text string
}
