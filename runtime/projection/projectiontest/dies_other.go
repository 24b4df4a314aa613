//go:build !linux

package projectiontest

import "syscall"

func diesWithParent() *syscall.SysProcAttr { return nil }
