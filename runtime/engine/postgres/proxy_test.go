package postgres

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// cut says where the proxy cuts a connection.
type cut struct {
	// statement counts the statements that appends send, from the first after the cut was set; 0 is a COMMIT.
	statement int
	// answered says that the server gets the statement, and carries it out, but its answer is lost. Else it is lost itself.
	answered bool
}

// proxy stands between a log and its server, and reads what they say. Only connections that append are cut.
type proxy struct {
	listener net.Listener
	network  string
	server   string
	work     sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	armed *cut
	seen  int
	cuts  int
}

// newProxy returns a proxy, and the address of the database through it.
func newProxy(t *testing.T, dsn string) (*proxy, string) {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, conns: make(map[net.Conn]bool)}
	p.network, p.server = pgconn.NetworkAddress(config.Host, config.Port)
	p.work.Go(p.accept)
	t.Cleanup(p.close)
	through := url.URL{
		Scheme: "postgres", Host: listener.Addr().String(), Path: config.Database,
		User: url.UserPassword(config.User, config.Password), RawQuery: "sslmode=disable",
	}
	return p, through.String()
}

func (p *proxy) close() {
	p.listener.Close()
	p.cutAll()
	p.work.Wait()
}

// cutAll cuts every connection at once.
func (p *proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// arm sets the next cut.
func (p *proxy) arm(c cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed, p.seen = &c, 0
}

// done returns how many cuts were made.
func (p *proxy) done() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

func (p *proxy) keep(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
}

func (p *proxy) drop(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
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
		s := &stretch{proxy: p, client: client, server: server, sql: make(map[string]string), lost: make(chan struct{})}
		p.keep(client)
		p.keep(server)
		p.work.Go(s.forward)
		p.work.Go(s.back)
	}
}

// stretch is one connection through the proxy.
type stretch struct {
	proxy          *proxy
	client, server net.Conn
	// sql are the statements by the names under which they were prepared; bound is the one that is executed next.
	sql   map[string]string
	bound string

	mu sync.Mutex
	// mute says that nothing of what the server says gets through; lost is closed when it has said that it is ready.
	mute bool
	lost chan struct{}
	once sync.Once
}

// forward carries what the client says to the server, message by message.
func (s *stretch) forward() {
	defer s.proxy.drop(s.client)
	defer s.proxy.drop(s.server)
	in := bufio.NewReader(s.client)
	// The first message has no type.
	first, err := readMessage(in, 0)
	if err != nil {
		return
	}
	for message := first; ; {
		if _, err := s.server.Write(message); err != nil {
			return
		}
		if message, err = readMessage(in, 1); err != nil {
			return
		}
		if c := s.judge(message); c != nil {
			if !c.answered {
				return
			}
			s.swallow(in, message)
			return
		}
	}
}

// swallow lets the server carry out what the client has sent, and keeps the answer from the client.
func (s *stretch) swallow(in *bufio.Reader, message []byte) {
	s.mu.Lock()
	s.mute = true
	s.mu.Unlock()
	for {
		if _, err := s.server.Write(message); err != nil {
			return
		}
		if message[0] == 'S' { // Sync
			<-s.lost
			return
		}
		var err error
		if message, err = readMessage(in, 1); err != nil {
			return
		}
	}
}

// back carries what the server says to the client.
func (s *stretch) back() {
	defer s.once.Do(func() { close(s.lost) })
	defer s.proxy.drop(s.client)
	in := bufio.NewReader(s.server)
	for {
		message, err := readMessage(in, 1)
		if err != nil {
			return
		}
		s.mu.Lock()
		mute := s.mute
		s.mu.Unlock()
		if mute {
			if message[0] == 'Z' { // ReadyForQuery
				return
			}
			continue
		}
		if _, err := s.client.Write(message); err != nil {
			return
		}
	}
}

// judge looks at a message of the client, and says whether it is where to cut.
func (s *stretch) judge(message []byte) *cut {
	switch text := strings.Split(string(message[5:]), "\x00"); message[0] {
	case 'P': // Parse: name, statement
		s.sql[text[0]] = text[1]
	case 'B': // Bind: portal, name
		s.bound = s.sql[text[1]]
	case 'E': // Execute
		return s.proxy.executes(s.bound)
	}
	return nil
}

// executes counts a statement of an append.
func (p *proxy) executes(sql string) *cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	commit := sql == commitStatement
	appends := commit || sql == beginStatement || strings.Contains(sql, "FOR UPDATE") || strings.Contains(sql, "INSERT") ||
		strings.Contains(sql, "unnest") || strings.Contains(sql, "ANY ($1::text[])")
	if p.armed == nil || !appends {
		return nil
	}
	p.seen++
	if p.armed.statement == 0 && !commit || p.armed.statement > p.seen {
		return nil
	}
	c := p.armed
	p.armed = nil
	p.cuts++
	return c
}

// readMessage reads a message whose length stands behind so many bytes of type.
func readMessage(in io.Reader, typed int) ([]byte, error) {
	head := make([]byte, typed+4)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head[typed:])) - 4
	if n < 0 {
		return nil, errors.New("a message without a length")
	}
	message := append(head, make([]byte, n)...)
	_, err := io.ReadFull(in, message[len(head):])
	return message, err
}
