package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/cqrsgen/cqrsgen/example/ledger/publisher"
	"github.com/cqrsgen/cqrsgen/runtime/subscription/sqlite"
)

// publish publishes all events to NATS, those of the past too, until ctx ends. How far it is stands in a file of its own:
// read models can be deleted at any time, and what was published can't be taken back.
func (s *service) publish(ctx context.Context, at place, address string) error {
	if err := at.makeFolder(); err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, filepath.Join(at.folder(), "subscriptions-"+at.engine+".db"))
	if err != nil {
		return err
	}
	to, err := publisher.Connect(ctx, address)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	err = to.Subscription(s.log, store).Run(ctx)
	to.Close()
	return errors.Join(err, store.Close())
}
