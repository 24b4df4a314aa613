package postgres

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// slowTrigger makes each transaction that stored events take up to 50 ms longer, in its COMMIT: its positions are given,
// and nobody sees them.
const slowTrigger = `
CREATE FUNCTION {schema}.sleep_once() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF current_setting('cqrsgen.slept', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
    PERFORM set_config('cqrsgen.slept', pg_current_xact_id()::text, true), pg_sleep(random() * 0.05);
  END IF;
  RETURN NULL;
END
$body$;
CREATE CONSTRAINT TRIGGER sleep_once AFTER INSERT ON {schema}.events DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION {schema}.sleep_once();`

// slowCommits installs the trigger in the schema of a log.
func slowCommits(t testing.TB, dsn, schema string) {
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	_, err = conn.Exec(t.Context(), strings.ReplaceAll(slowTrigger, "{schema}", pgx.Identifier{schema}.Sanitize()))
	require.NoError(t, err)
}
