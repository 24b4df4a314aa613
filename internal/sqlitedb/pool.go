package sqlitedb

import (
	"context"
	"errors"
	"sync"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"zombiezen.com/go/sqlite"
)

// Pool is a small set of connections to one database file, opened when they are first needed.
type Pool struct {
	path    string
	prepare func(*sqlite.Conn) error
	// slots has one entry per connection that may be out; closed ends the waiting for one.
	slots  chan struct{}
	closed chan struct{}

	mu   sync.Mutex
	idle []*sqlite.Conn
	out  sync.WaitGroup
	done bool
}

// NewPool returns a pool of at most size connections to the file at path. Each new connection is given to prepare,
// if it is not nil. Nothing is opened yet.
func NewPool(path string, size int, prepare func(*sqlite.Conn) error) *Pool {
	return &Pool{
		path: path, prepare: prepare,
		slots: make(chan struct{}, size), closed: make(chan struct{}),
	}
}

// Get returns a connection, which the caller gives back with Put. While it is out, the end of ctx interrupts what
// runs on it. Get waits while all connections are out.
//
// Errors: cqrs.ErrClosed, that of ctx, and those of Open and of prepare.
func (p *Pool) Get(ctx context.Context) (*sqlite.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, ctx.Err()
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, cqrs.ErrClosed
	}
	c, err := p.take(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	c.SetInterrupt(ctx.Done())
	return c, nil
}

// take returns an idle connection or opens one.
func (p *Pool) take(ctx context.Context) (*sqlite.Conn, error) {
	p.mu.Lock()
	if p.done {
		p.mu.Unlock()
		return nil, cqrs.ErrClosed
	}
	p.out.Add(1)
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	c, err := p.open(ctx)
	if err != nil {
		p.out.Done()
	}
	return c, err
}

func (p *Pool) open(ctx context.Context) (*sqlite.Conn, error) {
	c, err := Open(ctx, p.path)
	if err != nil || p.prepare == nil {
		return c, err
	}
	if err := p.prepare(c); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Put gives back a connection that Get returned. A transaction that is still open is rolled back.
func (p *Pool) Put(c *sqlite.Conn) {
	c.SetInterrupt(nil)
	Rollback(c)
	p.mu.Lock()
	p.idle = append(p.idle, c)
	p.mu.Unlock()
	p.out.Done()
	<-p.slots
}

// Close waits for the connections that are out and closes all. Get fails from now on. Closing twice is harmless.
func (p *Pool) Close() error {
	p.mu.Lock()
	if !p.done {
		p.done = true
		close(p.closed)
	}
	p.mu.Unlock()
	p.out.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, c := range p.idle {
		errs = append(errs, c.Close())
	}
	p.idle = nil
	return errors.Join(errs...)
}
