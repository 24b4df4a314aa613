package personal

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// Event is what a generated event implements, besides cqrs.Event, if it has personal fields.
type Event interface {
	// AppendSealed is AppendJSON with personal fields encrypted. AppendJSON refuses them.
	AppendSealed(b []byte, c *Coder) ([]byte, error)
}

// Coder encrypts and decrypts the personal fields of one place. It goes from one event to the next by Event and Record,
// and is then for one goroutine.
type Coder struct {
	keys  *Keys
	place place
	// clear says that values are written as they are, for tests; hidden that "[personal]" stands for them; unread that
	// nobody reads them.
	clear, hidden, unread bool
}

// place says where a ciphertext stands. Ciphertexts of one place do not decrypt in another.
type place struct {
	kind kind
	// stream and name are the stream and the event's name on the wire; a row has the name of its projection.
	stream cqrs.StreamID
	name   string
	// subject is the type of the stream's id, whose data values are that say nothing else.
	subject string
}

type kind byte

const (
	inEvent kind = iota + 1
	inState
	inRow
)

// NewCoder returns a Coder for what is read from events and states.
func NewCoder(keys *Keys) *Coder { return &Coder{keys: keys} }

// Hidden returns a Coder that writes "[personal]" in place of values: for what is never read again, as the digest of a
// command.
func Hidden() *Coder { return &Coder{hidden: true} }

// Unread returns a Coder for who does not read personal data: it leaves them zero, and needs no keys.
func Unread() *Coder { return &Coder{unread: true} }

// OfStream returns a Coder for the events and the state of a stream.
func OfStream(keys *Keys, stream cqrs.StreamID) *Coder {
	return &Coder{keys: keys, place: place{kind: inEvent, stream: stream}}
}

// OfRows returns a Coder for the rows of a projection. It is safe for concurrent use.
func OfRows(keys *Keys, projection string) *Coder {
	return &Coder{keys: keys, place: place{kind: inRow, name: projection}}
}

// InClear returns a Coder that encrypts nothing: for tests that compare events.
func InClear() *Coder { return &Coder{clear: true} }

// Event goes to an event of the stream, whose id is of the type subject.
func (c *Coder) Event(name, subject string) *Coder {
	c.place.kind, c.place.name, c.place.subject = inEvent, name, subject
	return c
}

// Record goes to a stored event of a stream whose id is of the type subject. Without a Coder it returns none.
func (c *Coder) Record(rec *cqrs.Record, subject string) *Coder {
	if c == nil {
		return nil
	}
	c.place = place{kind: inEvent, stream: rec.Stream, name: rec.Type, subject: subject}
	return c
}

// State goes to the state of the stream, whose id is of the type subject.
func (c *Coder) State(subject string) *Coder {
	c.place.kind, c.place.name, c.place.subject = inState, "", subject
	return c
}

// Keys returns the keys that the Coder works with.
func (c *Coder) Keys() *Keys { return c.keys }

// AppendEvent appends an event's JSON as it is stored.
func AppendEvent(b []byte, e cqrs.Event, c *Coder) ([]byte, error) {
	if p, ok := e.(Event); ok {
		return p.AppendSealed(b, c)
	}
	return e.AppendJSON(b)
}

// Write writes a personal field with the Coder that the Writer was given, and refuses it without one. of is whose data
// it is, the zero Subject if that is whom the stream's id names.
func Write[T any](w *jsoncodec.Writer, name string, of Subject, v *Value[T], write func(*jsoncodec.Writer, *T)) {
	c, ok := w.Given().(*Coder)
	if !ok {
		w.Refuse(errInClear)
		return
	}
	held := v.held()
	clear := func(w *jsoncodec.Writer) { write(w, &held.value) }
	switch {
	case c.hidden:
		w.String(hidden)
	case c.clear:
		clear(w)
	case held.erased:
		w.Erased(clear)
	case held.nobodys && c.place.kind != inEvent:
		clear(w)
	default:
		k, err := c.keyFor(of, held.key)
		switch {
		case err != nil:
			w.Refuse(err)
		case k.destroyed && c.place.kind == inState:
			w.Refuse(ErrErasedSince)
		case k.destroyed:
			var nothing T
			w.Erased(func(w *jsoncodec.Writer) { write(w, &nothing) })
		default:
			w.Seal(clear, func(text []byte) ([]byte, error) { return c.seal(k, name, text), nil })
		}
	}
}

var errInClear = errors.New("is personal, and not written in clear text: AppendSealed encrypts it")

// held is what a Value holds.
func (v Value[T]) held() *content[T] {
	if v.in() == nil {
		return &content[T]{}
	}
	return v.in()
}

// keyFor returns the key that a value is encrypted with. In an event that is the key of whom the model names. A state or
// a row takes the value with the key that it came with.
func (c *Coder) keyFor(of Subject, with KeyID) (*key, error) {
	if c.place.kind != inEvent && with != (KeyID{}) {
		return c.keys.byKeyID(with)
	}
	if of == (Subject{}) {
		of = Subject{c.place.subject, c.place.stream.ID}
	}
	return c.keys.ofSubject(of)
}

// Read reads a personal field, which stands there as Write wrote it, or in clear text where it was stored before the
// model called it personal. erased returns what is read once it was erased; nil stands for the zero value.
func Read[T any](r *jsoncodec.Reader, v *Value[T], read func(*jsoncodec.Reader, *T), erased func() T) {
	c, _ := r.Given().(*Coder)
	if c != nil && c.unread {
		r.Skip()
		return
	}
	name := string(r.Name())
	if sealed, ok := r.Sealed(); ok {
		openInto(r, c, name, sealed, v, read, erased)
		return
	}
	held := &content[T]{}
	held.erased = r.Erased(func(r *jsoncodec.Reader) { read(r, &held.value) })
	switch {
	case !held.erased:
		read(r, &held.value)
		held.of = c.stored()
	case c != nil && c.place.kind == inRow:
		held.value = insteadOf(erased)
	}
	*v = holding(held)
}

// stored is whom what is read in clear text belongs to, as far as that is known.
func (c *Coder) stored() Subject {
	if c == nil || c.place.kind != inEvent {
		return Subject{}
	}
	return Subject{c.place.subject, strings.Clone(c.place.stream.ID)}
}

func openInto[T any](
	r *jsoncodec.Reader, c *Coder, name string, sealed []byte, v *Value[T], read func(*jsoncodec.Reader, *T), erased func() T,
) {
	if c == nil || c.keys == nil {
		r.Refuse(ErrNoKeys)
		return
	}
	text, id, err := c.open(name, sealed)
	if err != nil {
		r.Refuse(err)
		return
	}
	if text == nil {
		if c.place.kind == inState {
			r.Refuse(ErrErasedSince)
			return
		}
		*v = holding(&content[T]{value: insteadOf(erased), key: id, erased: true})
		return
	}
	held := &content[T]{key: id}
	if err := readAll(text, name, id, &held.value, read); err != nil {
		r.Refuse(err)
		return
	}
	*v = holding(held)
}

// insteadOf is what is read of what was erased.
func insteadOf[T any](erased func() T) (instead T) {
	if erased != nil {
		instead = erased()
	}
	return instead
}

// The layout of what is sealed.
const (
	sealedFormat = 1
	nonceSize    = 12
	sealedHead   = 1 + len(KeyID{}) + nonceSize
)

// seal encrypts the JSON of a field. The result is a new slice.
func (c *Coder) seal(k *key, name string, text []byte) []byte {
	b := make([]byte, sealedHead, sealedHead+len(text)+k.aead.Overhead())
	b[0] = sealedFormat
	copy(b[1:], k.id[:])
	var room [256]byte
	bound := c.place.bind(append(room[:0], b[:1+len(k.id)]...), name)
	nonce := b[1+len(k.id) : sealedHead]
	if c.place.kind == inEvent {
		rand.Read(nonce)
	} else {
		follow(nonce, k, bound, text)
	}
	return k.aead.Seal(b, nonce, text, bound)
}

// follow sets a nonce that follows from what it is used for: it is used again only for the very same.
func follow(nonce []byte, k *key, bound, text []byte) {
	mac := hmac.New(sha256.New, k.mac)
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(bound)))
	mac.Write(size[:])
	mac.Write(bound)
	mac.Write(text)
	copy(nonce, mac.Sum(nil))
}

// derive returns the key of follow, which must not be that of the encryption.
func derive(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("cqrsgen personal nonce"))
	return mac.Sum(nil)
}

// open decrypts what seal made. The text is nil if its key is destroyed.
func (c *Coder) open(name string, sealed []byte) (text []byte, id KeyID, err error) {
	if len(sealed) < sealedHead || sealed[0] != sealedFormat {
		return nil, id, &TamperedError{id, "is not of a format that this program knows: deploy a release that does, or"}
	}
	copy(id[:], sealed[1:])
	k, err := c.keys.byKeyID(id)
	if err != nil || k.destroyed {
		return nil, id, err
	}
	var room [256]byte
	bound := c.place.bind(append(room[:0], sealed[:1+len(id)]...), name)
	text, err = open(k.aead, sealed, bound)
	if err != nil {
		return nil, id, &TamperedError{id, "is not what was written there"}
	}
	return text, id, nil
}

func open(aead cipher.AEAD, sealed, bound []byte) ([]byte, error) {
	return aead.Open(make([]byte, 0, len(sealed)), sealed[1+len(KeyID{}):sealedHead], sealed[sealedHead:], bound)
}

// bind appends what a ciphertext is bound to: the place, and the name of the field there. Each part is preceded by its
// length, so that no two places have the same.
func (p *place) bind(b []byte, field string) []byte {
	b = append(b, byte(p.kind))
	for _, part := range [...]string{p.stream.Category, p.stream.ID, p.name, field} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// Seal returns the text of a row's column that holds a value: empty if that was erased, and reports false for the zero
// Value. A value in a row belongs to somebody already, since it comes from an event.
func Seal[T any](c *Coder, name string, v *Value[T], write func(*jsoncodec.Writer, *T)) (text string, ok bool, err error) {
	switch {
	case v.in() == nil:
		return "", false, nil
	case v.in().erased:
		return "", true, nil
	}
	k, err := c.keyOfRow(v.in().key, v.in().of)
	switch {
	case v.in().nobodys:
	case errors.As(err, new(*ForgottenError)):
		return "", true, nil
	case err != nil:
		return "", false, err
	case k == nil:
		return "", false, errNobodys(name)
	case k.destroyed:
		return "", true, nil
	}
	w := jsoncodec.NewWriter(nil)
	w.AllowZero()
	write(&w, &v.in().value)
	clear, err := w.Finish(c.place.name)
	if err != nil {
		return "", false, err
	}
	if v.in().nobodys {
		return clearPrefix + string(clear), true, nil
	}
	return base64.StdEncoding.EncodeToString(c.seal(k, name, clear)), true, nil
}

// clearPrefix begins the text of a column with what is nobody's. Base64 has it only at the end.
const clearPrefix = "="

// keyOfRow returns the key of a value in a row: that which it came with, or else that of whom it belongs to; nil if that is
// not known.
func (c *Coder) keyOfRow(id KeyID, of Subject) (*key, error) {
	switch {
	case id != KeyID{}:
		return c.keys.byKeyID(id)
	case of != Subject{}:
		return c.keys.ofSubject(of)
	}
	return nil, nil
}

// Open reads what Seal returned.
func Open[T any](c *Coder, name, text string, v *Value[T], read func(*jsoncodec.Reader, *T), erased func() T) error {
	if text == "" {
		*v = Erased(insteadOf(erased))
		return nil
	}
	if clear, ok := strings.CutPrefix(text, clearPrefix); ok {
		held := &content[T]{nobodys: true}
		*v = holding(held)
		return readAll([]byte(clear), name, KeyID{}, &held.value, read)
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return &TamperedError{KeyID{}, "is not base64"}
	}
	plain, id, err := c.open(name, sealed)
	switch {
	case err != nil:
		return err
	case plain == nil:
		*v = holding(&content[T]{value: insteadOf(erased), key: id, erased: true})
		return nil
	}
	held := &content[T]{key: id}
	*v = holding(held)
	return readAll(plain, name, id, &held.value, read)
}

// readAll reads the JSON of a value, of which nobody else has the memory. Its error does not repeat what it read.
func readAll[T any](text []byte, name string, id KeyID, v *T, read func(*jsoncodec.Reader, *T)) error {
	r := jsoncodec.NewReader(text, jsoncodec.ViewStrings)
	r.AllowZero()
	read(&r, v)
	if r.Finish(name) != nil {
		return &TamperedError{id, "is of another type than the model says"}
	}
	return nil
}

func errNobodys(name string) error {
	return &cqrs.EncodingError{Type: "row", Field: name, Reason: "is personal and nobody's: copy it from an event, with personal.Value and all"}
}
