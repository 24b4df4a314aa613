package streams

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Settings decides the commands of Settings, and applies its events to its state. It implements SettingsDecider.
type Settings struct{}

// SetLimit decides the command.
func (Settings) SetLimit(_ SettingsState, c SetLimit, _ cqrs.CommandMeta) (LimitSet, error) {
	return LimitSet{Limit: c.Limit, Like: c.Like}, nil
}

// RaiseLimit decides the command.
func (Settings) RaiseLimit(s SettingsState, _ RaiseLimit, _ cqrs.CommandMeta) (LimitSet, error) {
	return LimitSet{Limit: s.Limit + 1}, nil
}

// InitLimit decides the command on a new stream.
func (Settings) InitLimit(InitLimit, cqrs.CommandMeta) (LimitSet, error) {
	return LimitSet{Limit: 1}, nil
}

// ApplyLimitSet changes the state as the event says.
func (Settings) ApplyLimitSet(s *SettingsState, e *LimitSet) error {
	s.Limit = e.Limit
	return nil
}
