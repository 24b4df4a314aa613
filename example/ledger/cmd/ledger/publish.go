package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/cqrsgen/cqrsgen/example/ledger/publisher"
	"github.com/cqrsgen/cqrsgen/runtime/subscription/sqlite"
)

// run keeps all read models up to date until it is interrupted, and publishes the events where an address says so.
func run(ctx context.Context, at place, address string) error {
	s, err := open(ctx, at)
	if err != nil {
		return err
	}
	if address == "" {
		return errors.Join(s.App.Run(ctx), s.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	published := make(chan error, 1)
	go func() {
		defer stop() // a failure is seen at once by who started the program
		published <- s.publish(ctx, at, address)
	}()
	return errors.Join(s.App.Run(ctx), <-published, s.Close())
}

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
