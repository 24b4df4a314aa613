package postgres

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Option changes how a log is opened.
type Option func(*settings)

type settings struct {
	schema     string
	migrate    bool
	readBuffer int
	accepted   []string
	limits     limits
}

// limits bound how long an append tries.
type limits struct {
	// lock bounds the waiting for the lock that other appenders hold; stall is how long the server leaves the lock to a
	// process that does not go on.
	lock, stall time.Duration
	// reach bounds the attempts to connect again while it is certain that nothing was stored; resolve those to find out
	// what became of a commit.
	reach, resolve time.Duration
	// answer bounds the wait for what the server answers to anything but the lock.
	answer time.Duration
}

func newSettings(options []Option) settings {
	s := settings{
		schema: "eventlog", readBuffer: 4 << 20,
		limits: limits{
			lock: 10 * time.Second, stall: 5 * time.Second, reach: 5 * time.Second, resolve: 30 * time.Second,
			answer: 30 * time.Second,
		},
	}
	for _, o := range options {
		o(&s)
	}
	return s
}

// Schema names the PostgreSQL schema that holds the log: 1 to 63 bytes, any characters. Without it the name is
// "eventlog". Logs in different schemas have nothing to do with each other.
func Schema(name string) Option { return func(s *settings) { s.schema = name } }

// Migrate lets Open create the log's tables where there are none, and bring older ones up to date, in one transaction.
// Without it Open changes nothing, and fails with a *SchemaError.
func Migrate() Option { return func(s *settings) { s.migrate = true } }

// ReadBuffer bounds what one iteration holds in memory, in bytes of payload. It is 4 MiB without the option; one event
// is held however large it is.
func ReadBuffer(bytes int) Option { return func(s *settings) { s.readBuffer = bytes } }

// AcceptUnsafe accepts a server whose settings of these names lose acknowledged commits: "fsync",
// "synchronous_commit", "full_page_writes". It is for tests and throw-away data.
func AcceptUnsafe(settingNames ...string) Option {
	return func(s *settings) { s.accepted = append(s.accepted, settingNames...) }
}

// maxIdentifier is what PostgreSQL keeps of a name, in bytes; it cuts off the rest without an error.
const maxIdentifier = 63

func (s *settings) check() error {
	if s.schema == "" || len(s.schema) > maxIdentifier || !utf8.ValidString(s.schema) || strings.ContainsRune(s.schema, 0) {
		return &RefusedError{Reason: fmt.Sprintf("%.80q can't be the name of a schema: it has 1 to %d bytes of UTF-8",
			s.schema, maxIdentifier)}
	}
	if s.readBuffer < 1 {
		return &RefusedError{Reason: fmt.Sprintf("a read buffer of %d bytes holds nothing", s.readBuffer)}
	}
	for _, name := range s.accepted {
		if !slices.ContainsFunc(durability, func(d durable) bool { return d.name == name }) {
			return &RefusedError{Reason: fmt.Sprintf("%q is no setting that AcceptUnsafe knows", name)}
		}
	}
	return nil
}
