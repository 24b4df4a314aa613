//go:build unix

package testserver

import (
	"bufio"
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisVariable names the environment variable with the address of a server that is used instead.
const redisVariable = "CQRSGEN_TEST_REDIS"

// sharedRedis is the server of this process for all tests that need none of their own.
var sharedRedis struct {
	sync.Mutex
	server *RedisServer
}

// Redis returns the address of a fresh namespace on a real Redis server, which the first caller of the process starts:
// redis.Open of the sink takes it. Keys that begin with its prefix are deleted when the test ends. CQRSGEN_TEST_REDIS
// names another server: redis://user:password@host:6379/0.
func Redis(t testing.TB) string {
	t.Helper()
	server := os.Getenv(redisVariable)
	if server == "" {
		server = sharedRedisServer(t).URL()
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s: %v", redisVariable, err)
	}
	prefix := "t_" + strings.ToLower(rand.Text()) + ":"
	t.Cleanup(func() { deleteKeys(t, server, prefix) })
	q := u.Query()
	q.Set("prefix", prefix)
	u.RawQuery = q.Encode()
	return u.String()
}

func sharedRedisServer(t testing.TB) *RedisServer {
	t.Helper()
	sharedRedis.Lock()
	defer sharedRedis.Unlock()
	if sharedRedis.server == nil {
		s := newRedis(t, RedisOptions{})
		s.Start(t)
		sharedRedis.server = s
	}
	return sharedRedis.server
}

func deleteKeys(t testing.TB, server, prefix string) {
	t.Helper()
	o, err := redis.ParseURL(server)
	if err != nil {
		t.Error(err)
		return
	}
	c := redis.NewClient(o)
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var keys []string
	for i := c.Scan(ctx, 0, prefix+"*", 1000).Iterator(); i.Next(ctx) && err == nil; {
		if keys = append(keys, i.Val()); len(keys) == 1000 {
			err, keys = c.Unlink(ctx, keys...).Err(), nil
		}
	}
	if len(keys) > 0 && err == nil {
		err = c.Unlink(ctx, keys...).Err()
	}
	if err != nil {
		t.Errorf("delete the keys of %s: %v", prefix, err)
	}
}

// RedisOptions say how a server of a test's own differs from the usual one, which keeps nothing on disk.
type RedisOptions struct {
	// AppendFsync, if not empty, switches the append-only file on: "always", "everysec" or "no".
	AppendFsync string
	// Settings are lines of redis.conf: "maxmemory": "20mb".
	Settings map[string]string
}

// RedisServer is a server that a test may kill, stop and pause. Its methods are for one goroutine.
type RedisServer struct {
	bin     string
	dir     string
	address string
	sweeper *sweeper
	cmd     *exec.Cmd // nil while the server does not run
	exited  chan struct{}
}

// StartRedis starts a server of the test's own, which ends with the test.
func StartRedis(t testing.TB, o RedisOptions) *RedisServer {
	t.Helper()
	s := newRedis(t, o)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("the end of the server's log:\n" + s.logTail())
		}
		if s.cmd != nil {
			s.Kill(t)
		}
		if err := s.sweeper.close(); err != nil {
			t.Error(err)
		}
	})
	s.Start(t)
	return s
}

func newRedis(t testing.TB, o RedisOptions) *RedisServer {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		missing(t, "no Redis server is installed: run `make servers` (on Debian apt-get install redis-server), or set "+
			redisVariable+" to the address of a server")
	}
	s := &RedisServer{bin: bin}
	addresses, err := freeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	s.address = addresses[0]
	if s.dir, err = os.MkdirTemp("", "cqrsgen-redis-"); err != nil {
		t.Fatal(err)
	}
	if s.sweeper, err = newSweeper(s.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.configPath(), []byte(s.config(o)), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *RedisServer) config(o RedisOptions) string {
	host, port, _ := net.SplitHostPort(s.address)
	lines := []string{
		"bind " + host, "port " + port, "dir " + s.dir, "daemonize no", `save ""`, "appendonly no",
		// What is set later counts; with an aof-rewrite the file that a test cuts would be another one.
		"auto-aof-rewrite-percentage 0",
	}
	if o.AppendFsync != "" {
		lines = append(lines, "appendonly yes", "appendfsync "+o.AppendFsync)
	}
	for name, value := range o.Settings {
		lines = append(lines, name+" "+value)
	}
	return strings.Join(lines, "\n") + "\n"
}

func (s *RedisServer) configPath() string { return filepath.Join(s.dir, "redis.conf") }

func (s *RedisServer) logPath() string { return filepath.Join(s.dir, "log") }

func (s *RedisServer) logTail() string {
	log, _ := os.ReadFile(s.logPath())
	return string(log[max(0, len(log)-8<<10):])
}

// URL returns the server's address.
func (s *RedisServer) URL() string { return "redis://" + s.address + "/0" }

// Start starts the server, and waits until it answers.
func (s *RedisServer) Start(t testing.TB) {
	t.Helper()
	if err := s.launch(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "starting Redis", func() bool {
		select {
		case <-s.exited:
			t.Fatal("Redis did not start:\n" + s.logTail())
		default:
		}
		return s.answers()
	})
}

func (s *RedisServer) launch() error {
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(s.bin, s.configPath())
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
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

// answers reports whether the server has read what it keeps: before, it answers every PING with an error.
func (s *RedisServer) answers() bool {
	conn, err := net.DialTimeout("tcp", s.address, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return false
	}
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return false
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	// A server that wants a password has started too.
	return err == nil && (answer == "+PONG\r\n" || strings.HasPrefix(answer, "-NOAUTH"))
}

// Kill ends the server by SIGKILL. What it wrote into its files stays there, synced or not: see CutTo.
func (s *RedisServer) Kill(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGKILL)
	s.await(t)
}

// Stop ends the server in the orderly way.
func (s *RedisServer) Stop(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	s.await(t)
}

// Pause stops the server by SIGSTOP: its connections stay, and nothing answers.
func (s *RedisServer) Pause(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
}

// Resume lets a paused server go on.
func (s *RedisServer) Resume(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGCONT)
}

// Appended returns how long the append-only file is, once all that the server has done is in it: it writes later while
// the disk is busy.
func (s *RedisServer) Appended(t testing.TB) int64 {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.address})
	defer c.Close()
	eventually(t, "writing the append-only file", func() bool {
		info, err := c.Info(context.Background(), "persistence").Result()
		return err == nil && strings.Contains(info, "aof_buffer_length:0\r\n")
	})
	info, err := os.Stat(s.appendOnly(t))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// CutTo takes back what was appended since Appended said so, as a loss of power does that comes before the next sync.
// The server must not run.
func (s *RedisServer) CutTo(t testing.TB, size int64) {
	t.Helper()
	if s.cmd != nil {
		t.Fatal("the file of a running server is not cut")
	}
	if err := os.Truncate(s.appendOnly(t), size); err != nil {
		t.Fatal(err)
	}
}

// appendOnly finds the file that the server appends to.
func (s *RedisServer) appendOnly(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{"appendonlydir/*.incr.aof", "appendonly.aof"} {
		if found, _ := filepath.Glob(filepath.Join(s.dir, pattern)); len(found) == 1 {
			return found[0]
		}
	}
	t.Fatalf("the server in %s has not one append-only file", s.dir)
	return ""
}

func (s *RedisServer) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		t.Fatalf("signal Redis: %v\n%s", err, s.logTail())
	}
}

func (s *RedisServer) await(t testing.TB) {
	t.Helper()
	<-s.exited
	s.cmd = nil
	if err := s.sweeper.watch(0); err != nil {
		t.Fatal(err)
	}
}
