package rows

import (
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Words knows the words of a text.
type Words struct{}

// OrderCancelledKeys returns a key for each word, as often as it stands in the reason.
func (Words) OrderCancelledKeys(e *OrderCancelled, _ cqrs.EventMeta) ([]WordsKey, error) {
	return keysOf(e.Reason), nil
}

// OrderCancelled counts one of the words.
func (Words) OrderCancelled(row *WordsRow, e *OrderCancelled, key WordsKey, _ cqrs.EventMeta) error {
	row.Count++
	row.Last = key.Word + ": " + e.Reason
	return nil
}

// OrderShippedKeys returns the words in the customer's name.
func (Words) OrderShippedKeys(e *OrderShipped, _ cqrs.EventMeta) ([]WordsKey, error) {
	return keysOf(e.Customer), nil
}

func keysOf(text string) (keys []WordsKey) {
	for _, word := range strings.Fields(text) {
		keys = append(keys, WordsKey{Word: word})
	}
	return keys
}
