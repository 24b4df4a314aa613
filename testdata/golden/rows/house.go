package rows

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// House accepts every command, and keeps no state.
type House struct{}

func (House) CloseHouse(_ HouseState, c CloseHouse, _ cqrs.CommandMeta) (HouseClosed, error) {
	return HouseClosed(c), nil
}

func (House) ApplyHouseClosed(*HouseState, *HouseClosed) error { return nil }
