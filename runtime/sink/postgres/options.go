package postgres

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Option changes how a store is opened.
type Option func(*settings)

type settings struct {
	schema   string
	migrate  bool
	accepted []string
	// log is the schema of the log that materialized views are computed from; empty where tables are written.
	log string
	// lock bounds the waiting for what other transactions hold.
	lock time.Duration
}

const defaultSchema = "readmodels"

func newSettings(options []Option) settings {
	s := settings{schema: defaultSchema, lock: 10 * time.Second}
	for _, o := range options {
		o(&s)
	}
	return s
}

// Schema names the PostgreSQL schema that holds the read models: 1 to 63 bytes, any characters. Without it the name is
// "readmodels". Stores in different schemas have nothing to do with each other.
func Schema(name string) Option { return func(s *settings) { s.schema = name } }

// Migrate lets Open create the catalogue where there is none, and bring an older one up to date, in one transaction.
// Without it Open changes nothing, and fails with a *SchemaError. Tables of new generations are made either way, where
// the role may.
func Migrate() Option { return func(s *settings) { s.migrate = true } }

// AcceptUnsafe accepts a server whose settings of these names may leave a torn read model behind when it crashes: "fsync",
// "full_page_writes". It is for tests and throw-away data.
func AcceptUnsafe(settingNames ...string) Option {
	return func(s *settings) { s.accepted = append(s.accepted, settingNames...) }
}

func (s *settings) check() error {
	if s.schema == "" || len(s.schema) > maxIdentifier || !utf8.ValidString(s.schema) || strings.ContainsRune(s.schema, 0) {
		return &RefusedError{Reason: fmt.Sprintf("%.80q can't be the name of a schema: it has 1 to %d bytes of UTF-8",
			s.schema, maxIdentifier)}
	}
	for _, name := range s.accepted {
		if !slices.Contains(integrity, name) {
			return &RefusedError{Reason: fmt.Sprintf("%q is no setting that AcceptUnsafe knows", name)}
		}
	}
	return nil
}
