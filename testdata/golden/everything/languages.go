package everything

import (
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Languages finds the words of notes.
type Languages struct{}

// NoteKeptKeys returns each word of the note.
func (Languages) NoteKeptKeys(e *NoteKept, _ cqrs.EventMeta) ([]LanguagesKey, error) {
	var keys []LanguagesKey
	for _, word := range strings.Fields(e.Text) {
		keys = append(keys, LanguagesKey{Word: word})
	}
	return keys, nil
}
