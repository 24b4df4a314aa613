package projectiontest

import "syscall"

// diesWithParent ends a child with the process that started it, also when that one is killed.
func diesWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
