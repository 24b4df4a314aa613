// Package personal keeps the data of persons so that they can be forgotten, though events are never rewritten.
//
// A field that the model marks `personal` holds a [Value]. In events, snapshots and archives it is encrypted, with
// AES-256-GCM, under a key that belongs to the person alone: the [Subject], which is what the id of the stream names
// unless the model says otherwise. [Keys] holds these keys as long as they are used, a [Store] for good. To forget
// somebody is to destroy that one key: what was encrypted under it, in whatever copy, reads as what the model says in its
// place.
//
// # What is encrypted, and how
//
// The JSON of the field's value. It stands in the payload as {"$sealed":"…"}, in base64:
//
//	format(1) = 1, id of the key(16), nonce(12), ciphertext with its tag(16)
//
// What is authenticated with it says where it stands: the stream, the name of the event on the wire, and the name of the
// field there, so that it decrypts nowhere else. A nonce in an event is random. One in a snapshot or a row follows from
// the key, the place and the content, so that equal states have equal bytes; it says that two values are equal, and
// nothing else.
//
// Values that were stored before the model called them personal stand there as they were, and are read. Nothing can be
// forgotten of them.
package personal
