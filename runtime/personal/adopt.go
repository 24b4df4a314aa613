package personal

import "errors"

// Source is a Value of any type that other data are made of.
type Source interface{ owner() owner }

// owner is whom a Value belongs to, as far as that is known.
type owner struct {
	key    KeyID
	of     Subject
	erased bool
}

func (v Value[T]) owner() owner {
	if v.in() == nil {
		return owner{}
	}
	return owner{v.in().key, v.in().of, v.in().erased}
}

// errOfSeveral refuses what can't be encrypted under one key.
var errOfSeveral = errors.New("personal: a value is made of data of several persons, of whom one could not be forgotten: " +
	"copy those of each into a field of its own")

// Adopt gives a Value that an upcaster made, and did not copy, to the person whose data it was made of; to of if that is
// nobody, and to whom the stream's id names if of is the zero Subject. Where some of the data were erased, so is what was
// made of them: erased returns what is read instead, nil stands for the zero value. The error says that they are of several
// persons.
func Adopt[T any](c *Coder, v *Value[T], of Subject, erased func() T, made ...Source) error {
	held := v.in()
	if held == nil || held.nobodys || v.owner() != (owner{}) || c == nil || c.unread {
		return nil
	}
	from, err := ownerOf(made)
	if err != nil {
		return err
	}
	switch {
	case from.erased:
		*v = holding(&content[T]{value: insteadOf(erased), key: from.key, erased: true})
		return nil
	case from.key == (KeyID{}) && from.of == (Subject{}):
		from.of = of
		if of == (Subject{}) {
			from.of = c.stored()
		}
	}
	*v = holding(&content[T]{value: held.value, key: from.key, of: from.of})
	return nil
}

// ownerOf returns the one whom all data belong to, of whom something is known.
func ownerOf(made []Source) (o owner, err error) {
	for _, m := range made {
		next := m.owner()
		o.erased = o.erased || next.erased
		switch {
		case o.key == (KeyID{}):
			o.key = next.key
		case next.key != (KeyID{}) && next.key != o.key:
			return owner{}, errOfSeveral
		}
		if o.of == (Subject{}) {
			o.of = next.of
		}
	}
	return o, nil
}
