package everything

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Settings decides about what holds for all hotels.
type Settings struct{}

// PublishSettings publishes them all at once.
func (Settings) PublishSettings(_ SettingsState, c PublishSettings, _ cqrs.CommandMeta) (SettingsPublished, error) {
	return SettingsPublished{Open: c.Open, Factor: c.Factor, Owner: c.Owner}, nil
}
