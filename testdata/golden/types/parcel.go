package types

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Parcel decides the commands of Parcel, and applies its events to its state. It implements ParcelDecider.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Parcel struct{}

// SendParcel decides the command. It may reject it with ParcelGone.
func (Parcel) SendParcel(s ParcelState, c SendParcel, m cqrs.CommandMeta) (ParcelSent, error) {
	return ParcelSent{}, &cqrs.NotImplementedError{Method: "Parcel.SendParcel"}
}

// ApplyParcelSent changes the state as the event says.
func (Parcel) ApplyParcelSent(s *ParcelState, e *ParcelSent) error {
	return &cqrs.NotImplementedError{Method: "Parcel.ApplyParcelSent"}
}
