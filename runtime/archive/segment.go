package archive

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// segment is a file of the replay archive: what its header, index and trailer say. Nobody changes it once it has its
// name. It has events alone, no commands on record.
type segment struct {
	name    string
	path    string
	size    int64
	header  header
	trailer trailer
	index   index
	// streams is how many streams appear first in the segment.
	streams int
}

const (
	segmentPrefix = "segment-"
	segmentSuffix = ".log"
)

// segmentName names what lies behind one position, up to and including another one.
func segmentName(after, last cqrs.Position) string {
	return fmt.Sprintf("%s%019d-%019d%s", segmentPrefix, after, last, segmentSuffix)
}

// named is a file of the directory that has a segment's name.
type named struct {
	name        string
	after, last cqrs.Position
}

// parseName reads what segmentName wrote.
func parseName(name string) (n named, ok bool) {
	var after, last int64
	if _, err := fmt.Sscanf(name, segmentPrefix+"%d-%d"+segmentSuffix, &after, &last); err != nil {
		return named{}, false
	}
	n = named{name: name, after: cqrs.Position(after), last: cqrs.Position(last)}
	return n, name == segmentName(n.after, n.last)
}

// ours reports whether a file was written by an archive.
func ours(name string) bool {
	return strings.HasPrefix(name, segmentPrefix) &&
		(strings.HasSuffix(name, segmentSuffix) || strings.HasSuffix(name, partial))
}

// reload reads the directory: what follows from the beginning of the log without a gap is the archive. The program that
// keeps the archive removes everything else that an archive has written.
func (l *Log) reload() {
	names, err := l.fs.ReadDir(l.dir)
	if err != nil {
		l.logger.Warn("the replay archive can't be read, the log is", "dir", l.dir, "error", err)
	}
	l.mu.Lock()
	known, keeps := l.segments, l.lock != nil
	l.looked = time.Now()
	l.mu.Unlock()
	segments := l.chain(names, known, !keeps)
	l.mu.Lock()
	l.setSegments(segments)
	l.mu.Unlock()
	if keeps {
		l.removeOthers(names, segments)
	}
}

// chain finds the segments that follow each other. Where several begin at one place the longest one is taken: the
// others were merged into it. Files that were refused lately may be left out: the program that keeps the archive will
// replace them.
func (l *Log) chain(names []string, known []*segment, leaveOut bool) []*segment {
	var files []named
	for _, name := range names {
		if n, ok := parseName(name); ok && !(leaveOut && l.refusedLately(name)) {
			files = append(files, n)
		}
	}
	slices.SortFunc(files, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.after, b.after), cmp.Compare(b.last, a.last))
	})
	var segments []*segment
	var last trailer
	streams := 0
	for _, f := range files {
		if f.after != last.last || f.last <= f.after {
			continue
		}
		s := find(known, f.name)
		if s == nil {
			var err error
			if s, err = l.openSegment(f); err != nil {
				l.refuse(f.name, err)
				continue
			}
		}
		if s.header.previous != last.commit {
			l.refuse(f.name, fmt.Errorf("it stands behind commit %x, and what is before it ends with %x",
				s.header.previous, last.commit))
			continue
		}
		if first := int(s.index.streams.first); first != streams {
			l.refuse(f.name, fmt.Errorf("its streams begin with number %d, and what is before it has %d", first, streams))
			continue
		}
		segments, last, streams = append(segments, s), s.trailer, streams+s.streams
	}
	return segments
}

func find(segments []*segment, name string) *segment {
	for _, s := range segments {
		if s.name == name {
			return s
		}
	}
	return nil
}

// openSegment reads what a file says of itself.
func (l *Log) openSegment(f named) (*segment, error) {
	path := filepath.Join(l.dir, f.name)
	r, err := openNumbered(l.fs, path, true)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if r.header.after != f.after || r.trailer.last != f.last || r.trailer.events == 0 {
		return nil, r.damaged(0, "it does not hold what its name says")
	}
	return &segment{
		name: f.name, path: path, size: r.size, header: r.header, trailer: r.trailer, index: r.index,
		streams: len(r.index.streams.names),
	}, nil
}

// refuse logs that a file is wrong.
func (l *Log) refuse(name string, why error) {
	l.mu.Lock()
	l.refused[name] = time.Now()
	l.mu.Unlock()
	l.logger.Warn("a file of the replay archive is wrong and is made anew", "dir", l.dir, "file", name, "error", why)
}

// refusedLately reports whether a file was refused, and not yet replaced for all that is known.
func (l *Log) refusedLately(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.refused[name]
	if ok && time.Since(at) > l.every {
		delete(l.refused, name)
		ok = false
	}
	return ok
}

// removeOthers removes the files of archives that are not among the segments.
func (l *Log) removeOthers(names []string, segments []*segment) {
	for _, name := range names {
		if ours(name) && find(segments, name) == nil {
			l.remove(name)
		}
	}
}

// verified returns the segments that the log confirms: the last event of the last one is in the log, at that position,
// with that commit's id, and so everything before it is. What the log does not confirm is dropped. The error is one of
// reading the log.
func (l *Log) verified(ctx context.Context) (view, error) {
	l.mu.Lock()
	v, keeps, closed := l.view(), l.lock != nil, l.closed
	l.mu.Unlock()
	if closed {
		return view{}, nil
	}
	if !keeps {
		l.reload()
		l.mu.Lock()
		v = l.view()
		l.mu.Unlock()
	}
	for n := len(v.segments); n > 0; n-- {
		t := &v.segments[n-1].trailer
		rec, err := firstOf(ctx, l.Store, eventlog.Query{After: t.last - 1, Through: t.last})
		if err != nil {
			return view{}, err
		}
		if rec != nil && rec.Position == t.last && rec.Commit == t.commit {
			v.segments = v.segments[:n:n]
			return v, nil
		}
		l.drop(v.segments[n-1], fmt.Errorf("the log does not have commit %x at position %d", t.commit, t.last))
	}
	return view{}, nil
}

// drop takes a segment, and all that follow it, out of the archive.
func (l *Log) drop(s *segment, why error) {
	l.mu.Lock()
	i := slices.Index(l.segments, s)
	var dropped []*segment
	if i >= 0 {
		dropped = l.segments[i:]
		l.setSegments(l.segments[:i:i])
	}
	keeps := l.lock != nil
	l.mu.Unlock()
	for _, d := range dropped {
		l.refuse(d.name, why)
		if keeps {
			l.remove(d.name)
		}
	}
}
