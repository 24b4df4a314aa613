package cqrs

import "strings"

// unknownMeaning starts the fingerprints of what folds of an unknown meaning make.
const unknownMeaning = "ffffffff"

// KnownMeaning reports whether a fingerprint of states or rows stands for all that makes them. It does not where the code
// was generated while a fold in Go was not written yet, or did not compile: then what was made by such a fold can't be told
// from what the next one makes. No snapshots are taken under such a fingerprint, and no generation of it takes the place
// of another one unless an operator promotes it.
func KnownMeaning(fingerprint string) bool { return !strings.HasPrefix(fingerprint, unknownMeaning) }
