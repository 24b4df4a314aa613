package projection

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGoingLiveFromSeveralLanesKeepsTheirRows(t *testing.T) {
	for _, byStream := range []bool{true, false} {
		t.Run(fmt.Sprint("by stream ", byStream), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w writer
				log, table := newLog(), &countingTable{Table: openTable(t)}
				def := definition(&folds{})
				commit := func(i int) {
					account := fmt.Sprint("acc-", i%50)
					rec := transferred(account, fmt.Sprint("acc-", i%7), "EUR", 2)
					if byStream {
						rec = deposited(account, fmt.Sprint("E", i%13+10), 2)
					}
					rec.StreamNumber = uint32(i%50 + 1)
					log.append(w.commitOf(rec)...)
				}
				def.ByStream = byStream
				for i := range 5000 {
					commit(i)
				}
				p := over(log, table, def)
				p.settings.lanes = 4
				p.inBatches(10)
				stop := run(t, p)
				time.Sleep(time.Second)
				for i := range 1000 {
					commit(i)
					time.Sleep(time.Millisecond)
				}
				require.NoError(t, stop())
				assert.Zero(t, table.gets, "every row is in memory")
				at := requireReflects(t, table, log.all())
				assert.Equal(t, w.position, at.Position)
			})
		})
	}
}

func TestLanesEndAlsoWhereTheyHaveNotBegun(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // no goroutine begins before this one waits
	w := warmWorker(t, benchLog(30, 30))
	w.split(4, false)
	w.split(1, false)
	assert.Len(t, w.lanes, 1)
}
