//go:build unix

package testserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresVariable names the environment variable with the address of a server that is used instead.
const postgresVariable = "CQRSGEN_TEST_POSTGRES"

// shared is the server of this process for all tests that need no server of their own.
var shared struct {
	sync.Mutex
	server *PostgresServer
}

// Postgres returns the address of a fresh, empty database on a real PostgreSQL server, which the first caller of the
// process starts, and which is deleted with the process. CQRSGEN_TEST_POSTGRES, the address of a role that may create
// databases, names another server, where the database is dropped when the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	server, drop := os.Getenv(postgresVariable), true
	if server == "" {
		server, drop = sharedPostgres(t).DSN(), false
	}
	name := "t_" + strings.ToLower(rand.Text())
	execute(t, server, "CREATE DATABASE "+name)
	if drop {
		t.Cleanup(func() { execute(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	}
	return withDatabase(t, server, name)
}

func sharedPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		s := newPostgres(t, PostgresOptions{})
		s.start(t)
		shared.server = s
	}
	return shared.server
}

func execute(t testing.TB, dsn, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(ctx, statement)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// withDatabase returns the address of another database on the same server.
func withDatabase(t testing.TB, dsn, name string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" {
		return dsn + " dbname=" + name // of two values for one key the last one counts
	}
	u.Path = "/" + name
	return u.String()
}

// PostgresOptions say how a server of a test's own differs from the usual one.
type PostgresOptions struct {
	// Settings are lines of postgresql.conf: "fsync": "off".
	Settings map[string]string
	// DataDir is where the data lies, on a small file system for example; empty is in the temporary folder.
	DataDir string
}

// PostgresServer is a server that a test may kill, stop and configure. Its methods are for one goroutine.
type PostgresServer struct {
	bin     string
	dir     string // has the socket, the server's log and, unless it is elsewhere, the data
	data    string
	account *syscall.Credential
	sweeper *sweeper
	cmd     *exec.Cmd // nil while the server does not run
	exited  chan struct{}
}

// StartPostgres starts a server of the test's own, which ends with the test.
func StartPostgres(t testing.TB, o PostgresOptions) *PostgresServer {
	t.Helper()
	s := newPostgres(t, o)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("the end of the server's log:\n" + s.logTail())
		}
		if s.cmd != nil {
			s.signal(t, syscall.SIGCONT) // a test may have stopped it
			s.signal(t, syscall.SIGQUIT)
			s.await(t)
		}
		if err := s.sweeper.close(); err != nil {
			t.Error(err)
		}
	})
	s.start(t)
	return s
}

// defaults keep many small servers small. Everything that makes a server durable is left as it is: on.
var defaults = map[string]string{
	"listen_addresses": "''", "max_connections": "200", "shared_buffers": "64MB", "max_wal_size": "512MB",
	"logging_collector": "off", "timezone": "'UTC'",
}

func newPostgres(t testing.TB, o PostgresOptions) *PostgresServer {
	t.Helper()
	bin, err := postgresBin()
	if err != nil {
		missing(t, err.Error())
	}
	s := &PostgresServer{bin: bin}
	if err := s.create(o); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *PostgresServer) create(o PostgresOptions) (err error) {
	if s.account, err = unprivileged(); err != nil {
		return err
	}
	if s.dir, err = ownedDir(s.account); err != nil {
		return err
	}
	if s.sweeper, err = newSweeper(s.dir); err != nil {
		return err
	}
	s.data = filepath.Join(s.dir, "data")
	if o.DataDir != "" {
		s.data = filepath.Join(o.DataDir, "data")
		if err := own(o.DataDir, s.account); err != nil {
			return err
		}
	}
	source, err := template(s.bin, s.account)
	if err != nil {
		return err
	}
	if err := output(s.account, s.dir, "cp", "-R", source, s.data); err != nil {
		return err
	}
	return s.configure(o.Settings)
}

// configure writes the settings that differ from those of initdb.
func (s *PostgresServer) configure(own map[string]string) error {
	settings := maps.Clone(defaults)
	settings["unix_socket_directories"] = "'" + s.dir + "'"
	maps.Copy(settings, own)
	conf := ""
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		conf += name + " = " + settings[name] + "\n"
	}
	return os.WriteFile(filepath.Join(s.data, "postgresql.auto.conf"), []byte(conf), 0o644)
}

// templateDir is what initdb made, once for the whole process: copying it takes a tenth of the time.
var templateDir struct {
	sync.Mutex
	path    string
	sweeper *sweeper // kept: if its input were collected as garbage, it would take that for the end of the process
}

func template(bin string, account *syscall.Credential) (string, error) {
	templateDir.Lock()
	defer templateDir.Unlock()
	if templateDir.path != "" {
		return templateDir.path, nil
	}
	dir, err := ownedDir(account)
	if err != nil {
		return "", err
	}
	sweeper, err := newSweeper(dir)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "template")
	// The files of an empty cluster need not survive a loss of power; what tests write into it does.
	err = output(account, dir, filepath.Join(bin, "initdb"), "--no-sync", "--auth=trust", "--username=postgres",
		"--encoding=UTF8", "--locale=C", "--data-checksums", "--pgdata="+path)
	if err != nil {
		return "", err
	}
	templateDir.path, templateDir.sweeper = path, sweeper
	return path, nil
}

// postgresBin finds the folder with the server's programs.
func postgresBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dir := strings.TrimSpace(string(out))
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb", "/usr/local/pgsql/bin/initdb",
		"/opt/homebrew/opt/postgresql@*/bin/initdb", "/usr/local/opt/postgresql@*/bin/initdb",
	} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return filepath.Dir(slices.Max(found)), nil
		}
	}
	return "", fmt.Errorf("no PostgreSQL server is installed: run `make servers` (on Debian apt-get install postgresql), " +
		"or set " + postgresVariable + " to the address of a server, as a role that may create databases")
}

// DSN returns the address of the database postgres on this server, as its superuser.
func (s *PostgresServer) DSN() string {
	return "postgres:///postgres?user=postgres&host=" + url.QueryEscape(s.dir)
}

// Socket returns the path of the socket that the server listens on.
func (s *PostgresServer) Socket() string { return filepath.Join(s.dir, ".s.PGSQL.5432") }

// DataDir returns the folder with the server's data.
func (s *PostgresServer) DataDir() string { return s.data }

// Own gives a folder to the account that the server runs under, and lets that account reach it.
func (s *PostgresServer) Own(t testing.TB, dir string) {
	t.Helper()
	if err := own(dir, s.account); err != nil {
		t.Fatal(err)
	}
	for parent := filepath.Dir(dir); parent != os.TempDir() && parent != filepath.Dir(parent); parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err == nil {
			err = os.Chmod(parent, info.Mode().Perm()|0o111)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// PID returns the process id of the running server's first process.
func (s *PostgresServer) PID() int { return s.cmd.Process.Pid }

// Set changes settings, from the next start on; those that were set before are gone.
func (s *PostgresServer) Set(t testing.TB, settings map[string]string) {
	t.Helper()
	if err := s.configure(settings); err != nil {
		t.Fatal(err)
	}
}

// Start starts the server again, and waits until it takes connections.
func (s *PostgresServer) Start(t testing.TB) {
	t.Helper()
	s.start(t)
}

func (s *PostgresServer) start(t testing.TB) {
	t.Helper()
	if err := s.launch(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "starting PostgreSQL", func() bool {
		select {
		case <-s.exited:
			t.Fatal("PostgreSQL did not start:\n" + s.logTail())
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, s.DSN())
		if err != nil {
			return false
		}
		return conn.Close(ctx) == nil
	})
}

func (s *PostgresServer) launch() error {
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.exited = cmd, make(chan struct{})
	go func(exited chan<- struct{}) {
		_ = cmd.Wait() // how it ended is in its log
		close(exited)
	}(s.exited)
	return s.sweeper.watch(cmd.Process.Pid)
}

func (s *PostgresServer) logPath() string { return filepath.Join(s.dir, "log") }

func (s *PostgresServer) logTail() string {
	log, _ := os.ReadFile(s.logPath())
	return string(log[max(0, len(log)-8<<10):])
}

// Stop ends the server in the orderly way that cuts connections: what was committed is on disk already.
func (s *PostgresServer) Stop(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGINT)
	s.await(t)
}

// Kill ends all processes of the server by SIGKILL at once, as if the machine's power had been cut but for the
// system's caches.
func (s *PostgresServer) Kill(t testing.TB) {
	t.Helper()
	pid := s.PID()
	s.signal(t, syscall.SIGSTOP) // so that it starts no further process
	all := children(pid)
	s.signal(t, syscall.SIGKILL)
	for _, child := range all {
		_ = syscall.Kill(child, syscall.SIGKILL) // it may have ended already
	}
	// The shared memory is released by the last one.
	for _, child := range all {
		eventually(t, "killing a process of PostgreSQL", func() bool { return syscall.Kill(child, 0) != nil })
	}
	s.await(t)
}

func (s *PostgresServer) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		t.Fatalf("signal PostgreSQL: %v\n%s", err, s.logTail())
	}
}

func (s *PostgresServer) await(t testing.TB) {
	t.Helper()
	<-s.exited
	s.cmd = nil
	if err := s.sweeper.watch(0); err != nil {
		t.Fatal(err)
	}
}
