package snapshot

import "time"

// Policy says when the next snapshot of a stream is due: as soon as one of its bounds is reached. A bound of zero is
// none; without any, no snapshots are taken.
type Policy struct {
	// Events is the number of events since the last snapshot, or since the stream began.
	Events int
	// Bytes is the size of these events' payloads together.
	Bytes int64
	// Age is how long ago the newest event of the last snapshot happened, or the first event of the stream. It is looked
	// at when a command stores events: a stream to which nothing happens needs no new snapshot.
	Age time.Duration
}

// Any reports whether snapshots are taken at all.
func (p Policy) Any() bool { return p != Policy{} }

// Due reports whether a snapshot is due, at the time now, after all that happened since the last one.
func (p Policy) Due(s Since, now time.Time) bool {
	return s.Events > 0 &&
		(p.Events > 0 && s.Events >= p.Events || p.Bytes > 0 && s.Bytes >= p.Bytes || p.Age > 0 && now.Sub(s.Time) >= p.Age)
}

// Since adds up what happened to a stream since its last snapshot. The zero value is that of a stream without events.
type Since struct {
	Events int
	Bytes  int64
	// Time is that of the newest event of the last snapshot, or of the first event of the stream.
	Time time.Time
}

// Add counts events that happened at a time, and the bytes of their payloads.
func (s *Since) Add(events, bytes int, at time.Time) {
	if s.Time.IsZero() {
		s.Time = at
	}
	s.Events += events
	s.Bytes += int64(bytes)
}
