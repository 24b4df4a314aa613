package expr

import (
	"go/scanner"
	"go/token"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// piece is a token of an expression.
type piece struct {
	tok      token.Token
	lit      string
	from, to int
}

// pieces splits an expression into tokens, without the end that Go puts behind a line.
func pieces(text string) []piece {
	fset := token.NewFileSet()
	file := fset.AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, []byte(text), func(token.Position, string) {}, scanner.ScanComments)
	var list []piece
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return list
		}
		if tok == token.SEMICOLON && lit != ";" {
			continue
		}
		from := file.Offset(pos)
		if lit == "" {
			lit = tok.String()
		}
		list = append(list, piece{tok, lit, from, min(from+len(lit), len(text))})
	}
}

// wreckage recognises what other languages write, and what Go writes elsewhere, and says how it is written here. Only
// the first one is reported: what stands behind it can't be told.
func (c *checker) wreckage(text string) {
	list := pieces(text)
	at := func(i int) piece {
		if i < 0 || i >= len(list) {
			return piece{tok: token.EOF, from: len(text), to: len(text)}
		}
		return list[i]
	}
	for i := range list {
		before, p, after := at(i-1), list[i], at(i+1)
		what, hint := foreign(before, p, after)
		if what == "" {
			continue
		}
		from, to := p.from, p.to
		if joined(before, p) && (before.tok == token.EQL || before.tok == token.NEQ || before.tok == token.LSS) {
			from = before.from
		}
		c.report(diag.Diagnostic{Code: diag.ExprForeign, At: c.src.At(from, to), Hint: hint, Message: what})
		return
	}
}

// joined reports whether nothing stands between two tokens.
func joined(a, b piece) bool { return a.tok != token.EOF && a.to == b.from }

// foreign says what is wrong with a token between two others, and what would be right.
func foreign(before, p, after piece) (what, hint string) {
	switch p.tok {
	case token.ASSIGN:
		return assignment(before, p, after)
	case token.CHAR:
		return "a text of Go stands in double quotes", `write "` + strings.Trim(p.lit, "'") + `"`
	case token.COMMENT:
		return "a comment can't stand in an expression", "a comment of YAML is written `# …`"
	case token.ARROW:
		return "`<-` is one sign in Go", "write `< -`, with a space"
	case token.ILLEGAL:
		return illegal(p, after)
	case token.IDENT:
		return word(before, p)
	case token.SEMICOLON:
		return "an expression is one value", "leave the `;` out"
	case token.GTR:
		if before.tok == token.LSS && joined(before, p) {
			return "`<>` is not of Go", "write `!=`"
		}
	case token.INC, token.DEC, token.DEFINE, token.ADD_ASSIGN, token.SUB_ASSIGN, token.MUL_ASSIGN, token.QUO_ASSIGN:
		return "an expression gives a value, and assigns nothing", "write the value that there shall be: `state.count + 1`"
	}
	if p.tok.IsKeyword() && before.tok == token.PERIOD {
		return "`" + p.lit + "` is a keyword of Go", "the value of an enum is also written `Enum(\"" + p.lit + "\")`"
	}
	if p.tok == token.IF || p.tok == token.SWITCH || p.tok == token.FOR {
		return "an expression has no `" + p.lit + "`", "write this fold in Go"
	}
	return "", ""
}

func assignment(before, p, after piece) (what, hint string) {
	switch {
	case joined(before, p) && before.tok == token.EQL:
		return "`===` is not of Go", "write `==`"
	case joined(before, p) && before.tok == token.NEQ:
		return "`!==` is not of Go", "write `!=`"
	case joined(p, after) && after.tok == token.GTR:
		return "`=>` is not of Go", "write `>=` to compare"
	}
	return "`=` assigns, and an expression does not", "write `==` to compare"
}

func illegal(p, after piece) (what, hint string) {
	switch p.lit {
	case "?":
		switch {
		case after.tok == token.PERIOD:
			return "`?.` is not of Go", "write `.Or(…)` or `.Present()`"
		case after.lit == "?":
			return "`??` is not of Go", "write `.Or(…)`"
		}
		return "Go has no `a ? b : c`", "two events, `min`, `max` or `.Or(…)` often say it; else write this fold in Go"
	case "$":
		return "an expression is not a template", "write it without `${ }`"
	}
	if strings.HasPrefix(p.lit, "'") {
		return "a text of Go stands in double quotes", ""
	}
	return "`" + p.lit + "` can't stand in an expression", ""
}

// words of other languages for operators.
var operators = map[string]string{
	"and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!", "is": "==", "mod": "%", "div": "/",
}

func word(before, p piece) (what, hint string) {
	if op, ok := operators[p.lit]; ok && before.tok != token.PERIOD {
		return "`" + p.lit + "` is not an operator of Go", "write `" + op + "`"
	}
	return "", ""
}

// otherFunctions has what other languages call functions and conversions.
var otherFunctions = map[string]string{
	"size": "write `len(…)`", "length": "write `len(…)`", "count": "write `len(…)`",
	"tolower": "write `lower(…)`", "lowercase": "write `lower(…)`", "toupper": "write `upper(…)`",
	"uppercase": "write `upper(…)`", "trimspace": "write `trim(…)`", "strip": "write `trim(…)`",
	"int8": "the integers are int, int32, int64, uint32 and uint64", "int16": "the integers are int, int32, int64, uint32 and uint64",
	"uint": "write `uint64(…)`", "float": "write `float64(…)`", "float32": "write `float64(…)`",
	"now": "the time is `meta.time`", "today": "write `meta.time.Date()`", "push": "write `append(…)`",
	"add": "write `append(…)`, or `a + b`", "concat": "write `a + b`", "coalesce": "write `.Or(…)`",
	"some": "write the value alone: it becomes an optional where one is wanted", "if": "write this fold in Go",
	"contains": "keep a map or a set, and look the value up",
	"delete":   "entries of maps are taken away by `remove`",
	"has":      "write `.Present()` of an optional", "present": "write `.Present()` behind the optional",
}
