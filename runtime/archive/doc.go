// Package archive carries event logs in files: a whole log, or a range of its positions, packed and checksummed.
//
// Export writes such a file and Import builds the log again in any engine, with the commands on record, so that an id
// that was used before is known afterwards too. Verify compares a file with a log, and Check a file with its own
// checksums. Files that follow each other (each begins where the one before ended) are a backup that grows.
//
// The same format serves as the replay archive: With puts a local copy of the log's beginning in front of a log, from
// which rebuilds read much faster than from any engine. It is a cache: it is checked against the log before it is used,
// every block of it each time that it is read, and whatever is wrong with it is dropped and made anew.
//
// The format is described in docs/reference/archive-format.md.
package archive
