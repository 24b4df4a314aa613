package jetstream

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeServer says that it is a NATS server of some version, and answers nothing but pings.
func fakeServer(t *testing.T, version string, maxPayload int) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				fmt.Fprintf(c, "INFO {\"server_id\":\"x\",\"server_name\":\"old\",\"version\":%q,\"proto\":1,\"headers\":true,"+
					"\"jetstream\":true,\"max_payload\":%d}\r\n", version, maxPayload)
				for lines := bufio.NewScanner(c); lines.Scan(); {
					if strings.HasPrefix(lines.Text(), "PING") {
						fmt.Fprint(c, "PONG\r\n")
					}
				}
			}()
		}
	}()
	return "nats://" + l.Addr().String()
}

func TestServersThatLackWhatIsNeededAreRefusedByName(t *testing.T) {
	for _, version := range []string{"2.12.0", "2.11.9", "2.9.0", "1.4.1", "2.12", "", "x.y.z"} {
		var old *VersionError
		_, err := Open(t.Context(), fakeServer(t, version, 8<<20))
		require.ErrorAs(t, err, &old, version)
		require.Equal(t, VersionError{Server: "old", Has: version, Wants: "2.12.1"}, *old)
	}
	require.NoError(t, checkVersion("n", "2.14.0-RC.1"))
	require.NoError(t, checkVersion("n", "3.0.0"))
	var setting *SettingError
	_, err := Open(t.Context(), fakeServer(t, "2.12.1", 1<<20))
	require.ErrorAs(t, err, &setting)
	require.Equal(t, "max_payload", setting.Setting)
	require.Equal(t, "1048576", setting.Has)
}

// api asks the JetStream API, as somebody does who is not careful.
func api(t *testing.T, l *conn, name string, request any) {
	t.Helper()
	require.NoError(t, l.call(t.Context(), name, request, nil))
}

// connect connects to the servers of a log's address.
func connect(t *testing.T, url string) (*conn, names) {
	t.Helper()
	servers, name, err := parseURL(url)
	require.NoError(t, err)
	c, err := dial(servers, nil)
	require.NoError(t, err)
	t.Cleanup(c.nc.Close)
	return c, names{name}
}
