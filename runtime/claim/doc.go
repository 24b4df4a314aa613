// Package claim keeps values unique: no two streams of an aggregate have the same one at a time.
//
// A claim is a stream of its own, which says who has a value. It is changed in the same commit as the stream whose value
// changes, at an exact version, so that of two streams that want one value at the same time only one gets it. Its events
// alternate: claimed, released, claimed. No model can name these streams or their events, so that no projection sees
// them.
//
// The name of a claim's stream is an HMAC-SHA-256 of the value. The value itself stands nowhere in it. See Key for what
// that is worth.
package claim
