package rows

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Room accepts every command, and keeps no state.
type Room struct{}

func (Room) CleanRoom(_ RoomState, c CleanRoom, _ cqrs.CommandMeta) (RoomCleaned, error) {
	return RoomCleaned(c), nil
}

func (Room) ApplyRoomCleaned(*RoomState, *RoomCleaned) error { return nil }
