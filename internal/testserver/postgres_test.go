//go:build unix

package testserver

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ask returns what a query says.
func ask(t *testing.T, dsn, query string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&answer))
	return answer
}

func TestEachTestGetsADatabaseOfItsOwn(t *testing.T) {
	a, b := Postgres(t), Postgres(t)
	assert.NotEqual(t, ask(t, a, "SELECT current_database()"), ask(t, b, "SELECT current_database()"))
	assert.Equal(t, "0", ask(t, a, "SELECT count(*)::text FROM pg_stat_user_tables"))
	assert.Equal(t, "UTF8", ask(t, a, "SHOW server_encoding"))
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		assert.Equal(t, "on", ask(t, a, "SHOW "+setting))
	}
}

func TestWhatWasCommittedIsThereAfterTheServerWasKilled(t *testing.T) {
	s := StartPostgres(t, PostgresOptions{Settings: map[string]string{"work_mem": "'5MB'"}})
	execute(t, s.DSN(), "CREATE TABLE t AS SELECT 'stored' AS v")
	assert.Equal(t, "5MB", ask(t, s.DSN(), "SHOW work_mem"))
	s.Kill(t)
	s.Start(t)
	assert.Equal(t, "stored", ask(t, s.DSN(), "SELECT v FROM t"))
	s.Stop(t)
	s.Set(t, map[string]string{"work_mem": "'6MB'"})
	s.Start(t)
	assert.Equal(t, "6MB", ask(t, s.DSN(), "SHOW work_mem"))
}

// childVariable makes the test below the process that is killed.
const childVariable = "CQRSGEN_TESTSERVER_CHILD"

func TestNothingIsLeftOfAProcessThatWasKilled(t *testing.T) {
	if path := os.Getenv(childVariable); path != "" {
		s := StartPostgres(t, PostgresOptions{})
		require.NoError(t, os.WriteFile(path, []byte(s.dir), 0o600))
		time.Sleep(time.Minute) // until it is killed
	}
	if _, err := postgresBin(); err != nil {
		missing(t, err.Error())
	}
	path := filepath.Join(t.TempDir(), "dir")
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	child.Env = append(os.Environ(), childVariable+"="+path)
	require.NoError(t, child.Start())
	var dir string
	eventually(t, "starting a server in another process", func() bool {
		b, _ := os.ReadFile(path)
		dir = string(b)
		return dir != ""
	})
	pid, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	require.NoError(t, err)
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	eventually(t, "removing the server's folder", func() bool {
		_, err := os.Stat(dir)
		return errors.Is(err, os.ErrNotExist)
	})
	first, _, _ := strings.Cut(string(pid), "\n")
	id, err := strconv.Atoi(first)
	require.NoError(t, err)
	assert.ErrorIs(t, syscall.Kill(id, 0), syscall.ESRCH)
}
