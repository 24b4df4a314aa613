package jetstream

import (
	"fmt"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// names are those of one log on a cluster: two streams of JetStream and the subjects that they store.
//
//	cqrs.NAME.e.<category>.<id>   the events of one stream
//	cqrs.NAME.n                   notes: commands without events, and versions that a commit only depends on
//	cqrs.NAME.s.<category>.<id>   the newest snapshot of one stream
//	cqrs.NAME.news                not stored: somebody appended
type names struct{ name string }

// maxName bounds the name of a log, in bytes.
const maxName = 64

// checkName says what is wrong with the name of a log.
func checkName(name string) error {
	for _, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
		if !letter {
			return fmt.Errorf("the log's name %.80q, which is the path of the address, has the character %q: "+
				"letters, digits, _ and - are allowed", name, r)
		}
	}
	if len(name) > maxName {
		return fmt.Errorf("the log's name %.80q is longer than %d bytes", name, maxName)
	}
	return nil
}

func (n names) logStream() string { return "cqrs-log-" + n.name }

func (n names) snapshotStream() string { return "cqrs-snapshots-" + n.name }

func (n names) allEvents() string { return "cqrs." + n.name + ".e.>" }

func (n names) allSnapshots() string { return "cqrs." + n.name + ".s.>" }

func (n names) notes() string { return "cqrs." + n.name + ".n" }

func (n names) news() string { return "cqrs." + n.name + ".news" }

func (n names) events(s cqrs.StreamID) string { return n.subject(".e.", s) }

func (n names) snapshot(s cqrs.StreamID) string { return n.subject(".s.", s) }

func (n names) subject(kind string, s cqrs.StreamID) string {
	b := make([]byte, 0, len("cqrs.")+len(n.name)+len(kind)+len(s.Category)+1+3*len(s.ID))
	b = append(b, "cqrs."...)
	b = append(b, n.name...)
	b = append(b, kind...)
	b = append(b, s.Category...) // letters, digits and _
	b = append(b, '.')
	return string(appendToken(b, s.ID))
}

const hexDigits = "0123456789ABCDEF"

// plain reports whether a byte stands for itself in a token of a subject.
func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_-/:@+~", c) >= 0
}

// appendToken writes an id as one token of a subject, from which it can be read again: whatever is no letter or digit,
// and means something to NATS, is written as '=' and two hexadecimal digits.
func appendToken(b []byte, id string) []byte {
	for i := 0; i < len(id); i++ {
		if c := id[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '=', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return b
}

// parseToken reads what appendToken wrote, and nothing else.
func parseToken(token string) (string, bool) {
	id := make([]byte, 0, len(token))
	for i := 0; i < len(token); i++ {
		c := token[i]
		if plain(c) {
			id = append(id, c)
			continue
		}
		if c != '=' || i+2 >= len(token) {
			return "", false
		}
		hi, lo := strings.IndexByte(hexDigits, token[i+1]), strings.IndexByte(hexDigits, token[i+2])
		if hi < 0 || lo < 0 || plain(byte(hi<<4|lo)) {
			return "", false
		}
		id = append(id, byte(hi<<4|lo))
		i += 2
	}
	return string(id), true
}
