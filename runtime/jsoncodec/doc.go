// Package jsoncodec is what generated codecs are made of: a [Writer] that appends JSON to a buffer, and a [Reader]
// that reads a value from its first byte to its last. Neither uses reflection, an interface or a map per value, and
// neither allocates while it writes, or while it reads strings as views.
//
// Generated code names each field once, in the order of the model:
//
//	func (v *Money) writeJSON(w *jsoncodec.Writer) {
//		w.Raw(`{"amount":`)
//		w.Int(v.Amount)
//		w.Raw(`,"currency":`)
//		w.Enum(string(v.Currency), v.Currency.Valid())
//		w.Raw(`}`)
//	}
//
//	func (v *Money) readJSON(r *jsoncodec.Reader) {
//		var seen uint64
//		for r.Object(); r.Field(); {
//			switch string(r.Name()) {
//			case "amount":
//				v.Amount = r.Int64()
//				seen |= 1 << 0
//			case "currency":
//				v.Currency.readJSON(r)
//				seen |= 1 << 1
//			default:
//				r.Skip()
//			}
//		}
//		if seen != 1<<2-1 {
//			r.Missing(seen, "amount", "currency")
//		}
//	}
//
// # The encoding
//
// It is the one that encoding/json has for the same Go types, in both directions: what one writes, the other reads.
// Where encoding/json leaves a choice, or accepts what can't be stored faithfully, this package is strict:
//
//   - A string, also a key or an enum, is valid UTF-8 without NUL. Lone surrogates are refused, not replaced.
//   - A number is finite and in the range of its type. A whole number has neither fraction nor exponent.
//   - A time is RFC 3339 in UTC, written with Z, of the years 1 to 9999, with at most microseconds.
//   - An enum is one of its declared values, and a day exists. Only after AllowZero, their zero values are taken too, as
//     the empty text.
//   - A nil list, map or byte slice is written empty, not null; null is read as empty. An empty list and empty bytes
//     are read as nil, a map never is.
//   - Keys of maps are written in order, numbers by value, so that equal values have equal bytes.
//   - Names of fields are told apart by case. Unknown ones are skipped, and their values checked.
//   - Of a field that stands twice in one object, the last one counts; where it is a struct, an optional field that
//     only the first one has stays. A key that stands twice in a map is refused.
//
// Lists and maps may hold each other up to 250 deep, both ways; an unknown value may be nested up to 1,000 deep.
//
// # Errors
//
// A Writer and a Reader remember the first error: generated code goes on to its end, with zero values and without
// looping, and asks Finish. The path to the field at fault costs nothing until then: it is found by going through
// the text once more.
package jsoncodec
