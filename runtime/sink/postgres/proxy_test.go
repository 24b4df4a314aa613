package postgres

import (
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// proxy stands between a store and its server, and cuts connections in the middle of what they say.
type proxy struct {
	listener        net.Listener
	network, server string
	work            sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	// left is how many bytes still come through to one side, before the connection that carries them is cut: to the
	// server, or to the client. Below 0 nothing is cut.
	left     int
	toServer bool
	cuts     int
}

// newProxy returns a proxy, and the address of the database through it.
func newProxy(t *testing.T, dsn string) (*proxy, string) {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, conns: make(map[net.Conn]bool), left: -1}
	p.network, p.server = pgconn.NetworkAddress(config.Host, config.Port)
	p.work.Go(p.accept)
	t.Cleanup(func() {
		listener.Close()
		p.cutAll()
		p.work.Wait()
	})
	through := url.URL{
		Scheme: "postgres", Host: listener.Addr().String(), Path: config.Database,
		User: url.UserPassword(config.User, config.Password), RawQuery: "sslmode=disable",
	}
	return p, through.String()
}

// cutAll cuts every connection at once.
func (p *proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// arm sets the next cut: after so many bytes to the server, or to the client.
func (p *proxy) arm(after int, toServer bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.toServer = after, toServer
}

// done returns how many cuts were made.
func (p *proxy) done() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

func (p *proxy) keep(c net.Conn, keep bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if keep {
		p.conns[c] = true
	} else {
		delete(p.conns, c)
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.network, p.server)
		if err != nil {
			client.Close()
			continue
		}
		p.work.Go(func() { p.carry(client, server, true) })
		p.work.Go(func() { p.carry(server, client, false) })
	}
}

// carry carries what one side says to the other, up to where it is cut.
func (p *proxy) carry(from, to net.Conn, toServer bool) {
	p.keep(from, true)
	defer p.keep(from, false)
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		through, cut := p.through(n, toServer)
		// What the server was told before its answer is cut off it carries out.
		if _, failed := to.Write(buf[:through]); cut || err != nil || failed != nil {
			return
		}
	}
}

// through says how many of n bytes come through, and whether it ends there.
func (p *proxy) through(n int, toServer bool) (int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left < 0 || toServer != p.toServer {
		return n, false
	}
	if n <= p.left {
		p.left -= n
		return n, false
	}
	n, p.left = p.left, -1
	p.cuts++
	return n, true
}
