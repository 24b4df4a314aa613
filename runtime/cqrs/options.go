package cqrs

// CommandOptions is what CommandOption values add up to.
type CommandOptions struct {
	Meta CommandMeta
	// Version is the exact version that the stream must have, if HasVersion.
	Version    Version
	HasVersion bool
}

// CommandOption is an option of one command.
type CommandOption func(*CommandOptions)

// WithCommandID makes the command idempotent: a command with an id that was already accepted returns the first
// receipt. The id must be at most 256 bytes; a UUID is a good choice.
func WithCommandID(id string) CommandOption {
	return func(o *CommandOptions) { o.Meta.CommandID = id }
}

// WithCorrelationID stores, with each event, the id of the conversation that the command belongs to.
func WithCorrelationID(id string) CommandOption {
	return func(o *CommandOptions) { o.Meta.CorrelationID = id }
}

// WithCausationID stores, with each event, the id of what caused the command.
func WithCausationID(id string) CommandOption {
	return func(o *CommandOptions) { o.Meta.CausationID = id }
}

// WithActor stores, with each event, who gave the command.
func WithActor(actor string) CommandOption {
	return func(o *CommandOptions) { o.Meta.Actor = actor }
}

// IfVersion asks that the stream is at exactly version v. Otherwise the command fails with a *ConflictError, without
// a retry.
func IfVersion(v Version) CommandOption {
	return func(o *CommandOptions) { o.Version, o.HasVersion = v, true }
}

// QueryOptions is what QueryOption values add up to.
type QueryOptions struct {
	// AtLeast is the position that the answer must reflect.
	AtLeast Position
	// Page is the part of the answer that is wanted, nil for all of it.
	Page *Page
}

// QueryOption is an option of one query.
type QueryOption func(*QueryOptions)

// AtLeast makes a query wait until its read model reflects every event up to p. The wait ends with the context.
func AtLeast(p Position) QueryOption {
	return func(o *QueryOptions) { o.AtLeast = max(o.AtLeast, p) }
}
