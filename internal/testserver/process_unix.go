//go:build unix

package testserver

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// sweeper is a shell that outlives this process by the moment that it takes to kill a server and to remove its folder.
// It learns from the end of its input that the process is gone, so that a crash or a kill leaves nothing behind either.
type sweeper struct {
	cmd   *exec.Cmd
	input io.WriteCloser
}

// sweep reads process ids, one a line, of which the last one counts. They lead their process groups.
const sweep = `
trap '' HUP INT TERM
while read -r line; do pid=$line; done
if [ "${pid:-0}" -gt 1 ]; then
	kill -CONT "-$pid"; kill -QUIT "$pid"
	n=0; while kill -0 "$pid" && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done
	kill -KILL "-$pid"
fi 2>/dev/null
rm -rf "$1"
`

// newSweeper starts a sweeper for a folder.
func newSweeper(dir string) (*sweeper, error) {
	cmd := exec.Command("/bin/sh", "-c", sweep, "sweep", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &sweeper{cmd, input}, cmd.Start()
}

// watch names the process that is to be killed; 0 is none.
func (s *sweeper) watch(pid int) error {
	_, err := fmt.Fprintln(s.input, pid)
	return err
}

// close kills and removes now.
func (s *sweeper) close() error {
	if err := s.input.Close(); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// unprivileged returns the account that servers run under which refuse to run under root's, nil if this process's own
// will do.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no other account is needed
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("neither the account postgres nor nobody exists, and PostgreSQL does not run as root")
}

// ownedDir makes a folder, with a path that is short enough for a socket in it, that belongs to the account.
func ownedDir(account *syscall.Credential) (string, error) {
	dir, err := os.MkdirTemp("", "cqrsgen-pg-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	return dir, own(dir, account)
}

func own(path string, account *syscall.Credential) error {
	if account == nil {
		return nil
	}
	return os.Chown(path, int(account.Uid), int(account.Gid))
}

// output runs a command under the account, and puts what it says into its error.
func output(account *syscall.Credential, dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account}
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, said)
	}
	return nil
}

// children returns the processes that a process started, where /proc tells.
func children(pid int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var found []int
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// The name, in parentheses, may hold anything; state and parent follow.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 1 && string(fields[1]) == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			found = append(found, child)
		}
	}
	return found
}

// eventually waits until done says so, which it is asked every few milliseconds.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("took more than a minute: ", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
