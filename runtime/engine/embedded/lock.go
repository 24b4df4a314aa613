package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// lockName is the name of the file whose lock serialises opening. It is not the database file: closing a second
// descriptor of that would drop the locks of SQLite.
const lockName = "log.lock"

// lockPause is how long an opener that found the lock taken waits before it tries again.
const lockPause = 2 * time.Millisecond

// lockCreation waits until no other opener, of any process, is creating the log in dir. The system unlocks the file
// when its holder dies. The file stays: removing it would let two openers lock two files of one name.
func lockCreation(ctx context.Context, dir string) (unlock func() error, err error) {
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		locked, err := tryLock(file)
		if err == nil && locked {
			return file.Close, nil
		}
		if err == nil {
			err = pause(ctx, lockPause)
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
