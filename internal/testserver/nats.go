//go:build unix

package testserver

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// natsVariable names the environment variable with the address of a cluster that is used instead.
const natsVariable = "CQRSGEN_TEST_NATS"

// sharedNATS is the cluster of this process for all tests that need none of their own.
var sharedNATS struct {
	sync.Mutex
	cluster *NATSCluster
}

// NATS returns the address of a fresh log on a real cluster of three servers, which the first caller of the process
// starts: jetstream.Open takes it. What the test stored is deleted when it ends. CQRSGEN_TEST_NATS, the address of an
// account with JetStream, names another cluster.
func NATS(t testing.TB) string {
	t.Helper()
	servers := os.Getenv(natsVariable)
	if servers == "" {
		servers = sharedCluster(t).URL()
	}
	name := "t_" + strings.ToLower(rand.Text())
	t.Cleanup(func() { deleteStreams(t, servers, name) })
	return strings.TrimSuffix(servers, "/") + "/" + name
}

func sharedCluster(t testing.TB) *NATSCluster {
	t.Helper()
	sharedNATS.Lock()
	defer sharedNATS.Unlock()
	if sharedNATS.cluster == nil {
		c := newNATS(t, NATSOptions{})
		c.StartAll(t)
		sharedNATS.cluster = c
	}
	return sharedNATS.cluster
}

// deleteStreams deletes the streams in whose names this one occurs.
func deleteStreams(t testing.TB, servers, name string) {
	t.Helper()
	nc, err := nats.Connect(servers)
	if err != nil {
		t.Error(err)
		return
	}
	defer nc.Close()
	js, err := nc.JetStream(nats.MaxWait(time.Minute))
	if err != nil {
		t.Error(err)
		return
	}
	for stream := range js.StreamNames() {
		if !strings.Contains(stream, name) {
			continue
		}
		if err := js.DeleteStream(stream); err != nil {
			t.Errorf("delete stream %s: %v", stream, err)
		}
	}
}

// NATSOptions say how a cluster of a test's own differs from the usual one.
type NATSOptions struct {
	// SyncInterval is that of every server's store; empty is "always".
	SyncInterval string
	// MaxPayload bounds a message, in bytes; 0 is 8 MB.
	MaxPayload int
	// Binary is the path of another nats-server.
	Binary string
	// Config is added to the configuration of each server.
	Config string
}

// natsNodes is how many servers a cluster has.
const natsNodes = 3

// NATSCluster is a cluster of three servers, each a process, that a test may kill and pause. Its methods are for one
// goroutine.
type NATSCluster struct {
	bin   string
	nodes [natsNodes]*natsNode
}

// natsNode is one server. Its ports stay its own over restarts.
type natsNode struct {
	name                   string
	dir                    string
	client, route, monitor string
	sweeper                *sweeper
	cmd                    *exec.Cmd // nil while the server does not run
	exited                 chan struct{}
}

// StartNATS starts a cluster of the test's own, which ends with the test.
func StartNATS(t testing.TB, o NATSOptions) *NATSCluster {
	t.Helper()
	c := newNATS(t, o)
	t.Cleanup(func() {
		for i, n := range c.nodes {
			if t.Failed() {
				t.Logf("the end of the log of %s:\n%s", n.name, n.logTail())
			}
			if n.cmd != nil {
				c.Kill(t, i)
			}
			if err := n.sweeper.close(); err != nil {
				t.Error(err)
			}
		}
	})
	c.StartAll(t)
	return c
}

func newNATS(t testing.TB, o NATSOptions) *NATSCluster {
	t.Helper()
	c := &NATSCluster{bin: o.Binary}
	if c.bin == "" {
		c.bin = natsBinary(t)
	}
	addresses, err := freeAddresses(3 * natsNodes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.nodes {
		n := &natsNode{
			name: fmt.Sprint("n", i), client: addresses[3*i], route: addresses[3*i+1], monitor: addresses[3*i+2],
		}
		if n.dir, err = os.MkdirTemp("", "cqrsgen-nats-"); err != nil {
			t.Fatal(err)
		}
		if n.sweeper, err = newSweeper(n.dir); err != nil {
			t.Fatal(err)
		}
		c.nodes[i] = n
	}
	for _, n := range c.nodes {
		if err := os.WriteFile(n.configPath(), []byte(c.config(n, o)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// natsBinary builds the server from its module, once for all: the go command keeps it.
func natsBinary(t testing.TB) string {
	t.Helper()
	cmd := exec.Command("go", "tool", "-n", "nats-server")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		missing(t, fmt.Sprintf("nats-server can't be built from its module (%v): run `make servers`, or set %s to the "+
			"address of a cluster\n%s", err, natsVariable, stderr.String()))
	}
	return strings.TrimSpace(string(out))
}

// freeAddresses returns addresses that nobody listens on.
func freeAddresses(count int) ([]string, error) {
	addresses := make([]string, count)
	for i := range addresses {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // once all are taken, so that they differ
		addresses[i] = l.Addr().String()
	}
	return addresses, nil
}

func (c *NATSCluster) config(n *natsNode, o NATSOptions) string {
	sync, payload := o.SyncInterval, o.MaxPayload
	if sync == "" {
		sync = "always"
	}
	if payload == 0 {
		payload = 8 << 20
	}
	routes := make([]string, natsNodes)
	for i, other := range c.nodes {
		routes[i] = "nats://" + other.route
	}
	return fmt.Sprintf(`
server_name: %s
listen: "%s"
http: "%s"
max_payload: %d
jetstream { store_dir: %q, sync_interval: %s }
cluster { name: test, listen: "%s", routes: [%s] }
%s
`, n.name, n.client, n.monitor, payload, filepath.Join(n.dir, "store"), sync, n.route, strings.Join(routes, ", "), o.Config)
}

func (n *natsNode) configPath() string { return filepath.Join(n.dir, "nats.conf") }

func (n *natsNode) logPath() string { return filepath.Join(n.dir, "log") }

func (n *natsNode) logTail() string {
	log, _ := os.ReadFile(n.logPath())
	return string(log[max(0, len(log)-8<<10):])
}

// URL returns the addresses of all servers.
func (c *NATSCluster) URL() string {
	urls := make([]string, natsNodes)
	for i := range c.nodes {
		urls[i] = c.URLOf(i)
	}
	return strings.Join(urls, ",")
}

// URLOf returns the address of one server.
func (c *NATSCluster) URLOf(i int) string { return "nats://" + c.nodes[i].client }

// Address returns the host and port of one server.
func (c *NATSCluster) Address(i int) string { return c.nodes[i].client }

// Size returns how many servers the cluster has.
func (c *NATSCluster) Size() int { return natsNodes }

// StartAll starts every server that does not run, and waits until all say that they are healthy.
func (c *NATSCluster) StartAll(t testing.TB) {
	t.Helper()
	for i := range c.nodes {
		c.Launch(t, i)
	}
	c.AwaitHealthy(t)
	// A healthy server may not have heard of the others yet, and then no stream can be placed on three.
	eventually(t, "a leader that knows all servers", c.allOnline)
}

// allOnline reports whether the leader of the cluster takes all other servers for running.
func (c *NATSCluster) allOnline() bool {
	for _, n := range c.nodes {
		var body strings.Builder
		if _, err := n.get("/jsz", &body); err != nil {
			return false
		}
		var info struct {
			Meta struct {
				Replicas []struct{ Offline bool }
			} `json:"meta_cluster"`
		}
		if err := json.Unmarshal([]byte(body.String()), &info); err != nil {
			return false
		}
		online := 0
		for _, r := range info.Meta.Replicas { // only the leader says
			if !r.Offline {
				online++
			}
		}
		if online == natsNodes-1 {
			return true
		}
	}
	return false
}

// Launch starts one server, if it does not run, and waits for nothing.
func (c *NATSCluster) Launch(t testing.TB, i int) {
	t.Helper()
	if c.nodes[i].cmd != nil {
		return
	}
	if err := c.nodes[i].launch(c.bin); err != nil {
		t.Fatal(err)
	}
}

func (n *natsNode) launch(bin string) error {
	log, err := os.OpenFile(n.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(bin, "-c", n.configPath())
	cmd.Dir, cmd.Stdout, cmd.Stderr = n.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	n.cmd, n.exited = cmd, make(chan struct{})
	go func(exited chan<- struct{}) {
		_ = cmd.Wait() // how it ended is in its log
		close(exited)
	}(n.exited)
	return n.sweeper.watch(cmd.Process.Pid)
}

// AwaitHealthy waits until every server that runs says that it is, and that what it stores is up to date.
func (c *NATSCluster) AwaitHealthy(t testing.TB) {
	t.Helper()
	for _, n := range c.nodes {
		if n.cmd == nil {
			continue
		}
		eventually(t, "the health of "+n.name, func() bool {
			select {
			case <-n.exited:
				t.Fatalf("nats-server %s ended:\n%s", n.name, n.logTail())
			default:
			}
			status, err := n.get("/healthz", io.Discard)
			return err == nil && status == http.StatusOK
		})
	}
}

// get asks the server's monitoring port.
func (n *natsNode) get(path string, body io.Writer) (status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.monitor+path, nil)
	if err != nil {
		return 0, err
	}
	req.Close = true // no idle connection stays behind
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(body, resp.Body)
	return resp.StatusCode, err
}

// Running reports whether a server was started and not killed.
func (c *NATSCluster) Running(i int) bool { return c.nodes[i].cmd != nil }

// Kill ends one server by SIGKILL.
func (c *NATSCluster) Kill(t testing.TB, i int) {
	t.Helper()
	c.nodes[i].signal(t, syscall.SIGKILL)
	c.nodes[i].await(t)
}

// Stop ends one server in the orderly way.
func (c *NATSCluster) Stop(t testing.TB, i int) {
	t.Helper()
	c.nodes[i].signal(t, syscall.SIGTERM)
	c.nodes[i].await(t)
}

// Pause stops one server by SIGSTOP: its connections stay, and nothing answers.
func (c *NATSCluster) Pause(t testing.TB, i int) {
	t.Helper()
	c.nodes[i].signal(t, syscall.SIGSTOP)
}

// Resume lets a paused server go on.
func (c *NATSCluster) Resume(t testing.TB, i int) {
	t.Helper()
	c.nodes[i].signal(t, syscall.SIGCONT)
}

func (n *natsNode) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := n.cmd.Process.Signal(signal); err != nil {
		t.Fatalf("signal nats-server %s: %v\n%s", n.name, err, n.logTail())
	}
}

func (n *natsNode) await(t testing.TB) {
	t.Helper()
	<-n.exited
	n.cmd = nil
	if err := n.sweeper.watch(0); err != nil {
		t.Fatal(err)
	}
}

// StreamLeader returns the server that leads a stream, -1 if no server that runs knows one.
func (c *NATSCluster) StreamLeader(stream string) int {
	for _, n := range c.nodes {
		if n.cmd == nil {
			continue
		}
		var body strings.Builder
		if _, err := n.get("/jsz?streams=true", &body); err != nil {
			continue
		}
		if i := c.node(leaderIn(body.String(), stream)); i >= 0 && c.nodes[i].cmd != nil {
			return i
		}
	}
	return -1
}

func (c *NATSCluster) node(name string) int {
	for i, n := range c.nodes {
		if n.name == name {
			return i
		}
	}
	return -1
}

// leaderIn finds the leader of a stream in what /jsz says.
func leaderIn(jsz, stream string) string {
	var info struct {
		Accounts []struct {
			Streams []struct {
				Name    string
				Cluster struct{ Leader string }
			} `json:"stream_detail"`
		} `json:"account_details"`
	}
	if err := json.Unmarshal([]byte(jsz), &info); err != nil {
		return ""
	}
	for _, a := range info.Accounts {
		for _, s := range a.Streams {
			if s.Name == stream {
				return s.Cluster.Leader
			}
		}
	}
	return ""
}
