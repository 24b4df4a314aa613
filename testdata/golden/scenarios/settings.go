package scenarios

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Settings decides the commands of Settings.
type Settings struct{}

// Rename decides the command.
func (Settings) Rename(_ SettingsState, c Rename, _ cqrs.CommandMeta) (Named, error) {
	return Named{Name: c.Name}, nil
}
