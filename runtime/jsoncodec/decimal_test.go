package jsoncodec_test

import (
	"testing"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

func TestDecimalsAreStringsOfOneForm(t *testing.T) {
	accepts(t, (*reader).Decimal, cqrs.MustDecimal("-12.5"), `"-12.5"`, `"-12.50"`)
	accepts(t, (*reader).Decimal, cqrs.Decimal{}, `"0"`, `"0.00"`)
	accepts(t, (*reader).Decimal, cqrs.MustDecimal("9999999999999999999"), `"9999999999999999999"`)
	refuses(t, (*reader).Decimal, "is not a decimal", `""`, `"1e3"`, `"0x1"`, `"1,5"`, `".5"`, `"10000000000000000000"`)
	refuses(t, (*reader).Decimal, "where a string should be", `1.5`, `null`)
}
