package external

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Host decides the commands of Host.
type Host struct{}

// AddHost decides the command on a new stream.
func (Host) AddHost(c AddHost, m cqrs.CommandMeta) (HostAdded, error) {
	return HostAdded{Addr: c.Addr, Since: m.Time, Note: c.Note, Contract: c.Contract}, nil
}

// MoveHost decides the command.
func (Host) MoveHost(_ HostState, c MoveHost, _ cqrs.CommandMeta) (HostMoved, error) {
	return HostMoved{Addr: c.Addr, Networks: c.Networks}, nil
}
