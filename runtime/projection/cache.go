package projection

import (
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// cache has rows by their keys.
//
// To look a key up in a map takes a hash and some places in memory that are far from each other, which costs more than
// everything else that is done for an event. Where keys include the id of the event's stream, and records have numbers
// for their streams, a row hangs on its stream's number instead, in a list of a few, and no map is touched. Numbers may
// come and go: a row that was found by number is found by key as well, and the other way round.
type cache[K comparable, R any] struct {
	// byStream has the first row of each stream, by the stream's number; crowded, if the stream has so many rows that they
	// are found by key. It is not used unless numbered is true.
	byStream []*entry[K, R]
	crowded  *entry[K, R]
	numbered bool
	// category is that of the streams in byStream. Streams of two categories may have one id, and then lead to one row
	// under two numbers: there must not be two.
	category string
	// byKey has all rows if indexed is true, else those that hang on no stream.
	byKey   map[K]*entry[K, R]
	indexed bool
	// rows is the number of all rows, hangs that of those which hang on a stream.
	rows, hangs int
}

// maxHanging bounds the rows that hang on a stream.
const maxHanging = 6

// reset forgets all rows. With numbered, keys include the ids of streams.
func (c *cache[K, R]) reset(numbered bool) {
	if c.byKey == nil {
		c.byKey, c.crowded = map[K]*entry[K, R]{}, new(entry[K, R])
	}
	clear(c.byKey)
	clear(c.byStream)
	c.numbered, c.category, c.indexed, c.rows, c.hangs = numbered, "", !numbered, 0, 0
}

// find returns the row under a key that a record leads to, nil if there is none.
func (c *cache[K, R]) find(rec *cqrs.Record, key K) *entry[K, R] {
	if !c.numbered || !c.admits(rec) {
		return c.byKey[key]
	}
	if n := int(rec.StreamNumber); n < len(c.byStream) {
		for e := c.byStream[n]; e != nil; e = e.next {
			if e.key == key && e != c.crowded {
				return e
			}
		}
	}
	if len(c.byKey) == 0 {
		return nil
	}
	e := c.byKey[key]
	if e != nil && e.stream == 0 {
		c.hang(e, rec.StreamNumber)
	}
	return e
}

// admits reports whether the record's row may hang on its stream. From the first record whose row may not, all rows are
// found by their keys.
func (c *cache[K, R]) admits(rec *cqrs.Record) bool {
	switch {
	case rec.StreamNumber == 0:
		c.index()
		return false
	case rec.Stream.Category == c.category:
		return true
	case c.category == "":
		c.category = strings.Clone(rec.Stream.Category)
		return true
	}
	c.index()
	c.numbered, c.byStream, c.hangs = false, nil, 0
	return false
}

// index puts all rows into byKey.
func (c *cache[K, R]) index() {
	if c.indexed {
		return
	}
	c.indexed = true
	for _, e := range c.byStream {
		for ; e != nil; e = e.next {
			if e != c.crowded {
				c.byKey[e.key] = e
			}
		}
	}
}

// hang puts a row first into the list of its stream, and reports whether it is there. Where the list is full, none of its
// rows hangs any more.
func (c *cache[K, R]) hang(e *entry[K, R], number uint32) bool {
	if n := int(number) + 1; n > len(c.byStream) {
		c.byStream = append(c.byStream, make([]*entry[K, R], n-len(c.byStream))...)
	}
	first := c.byStream[number]
	if first == c.crowded {
		return false
	}
	hanging := 0
	for o := first; o != nil; o = o.next {
		hanging++
	}
	if hanging < maxHanging {
		e.stream, e.next = number, first
		c.byStream[number] = e
		c.hangs++
		return true
	}
	for o := first; o != nil; {
		next := o.next
		o.stream, o.next = 0, nil
		c.byKey[o.key] = o
		c.hangs--
		o = next
	}
	c.byStream[number] = c.crowded
	return false
}

// add adds a row that find did not find for the record.
func (c *cache[K, R]) add(rec *cqrs.Record, e *entry[K, R]) {
	c.rows++
	if c.numbered && rec.StreamNumber != 0 && c.hang(e, rec.StreamNumber) && !c.indexed {
		return
	}
	c.byKey[e.key] = e
}

// touch looks at the rows that hang on the streams of some records. Each of them is somewhere else in memory. A fold that
// comes to one waits for it, and does nothing else meanwhile; here nothing waits, so that many of them are on their way
// at the same time, and are near when their fold comes.
func (c *cache[K, R]) touch(records []cqrs.Record) (sum cqrs.Position) {
	if !c.numbered {
		return 0
	}
	for i := range records {
		if n := int(records[i].StreamNumber); n < len(c.byStream) {
			for e := c.byStream[n]; e != nil; e = e.next {
				sum += e.position + cqrs.Position(e.stream)
			}
		}
	}
	return sum
}

// remove removes a row.
func (c *cache[K, R]) remove(e *entry[K, R]) {
	c.rows--
	if c.numbered && e.stream != 0 {
		at := &c.byStream[e.stream]
		for *at != e {
			at = &(*at).next
		}
		*at = e.next
		c.hangs--
	}
	delete(c.byKey, e.key)
}
