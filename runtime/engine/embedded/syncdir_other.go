//go:build !unix

package embedded

// syncDir does nothing where directories can't be synced: such systems journal names themselves.
func syncDir(string) error { return nil }
