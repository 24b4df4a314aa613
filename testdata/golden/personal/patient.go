package clinic

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Patient decides the commands of Patient. It implements PatientDecider.
type Patient struct{}

// Register decides the command on a new stream.
func (Patient) Register(c Register, _ cqrs.CommandMeta) (Registered, error) {
	return Registered{
		Name: c.Name, Mail: c.Mail, Born: c.Born, Blood: c.Blood, Weights: c.Weights, Contact: c.Contact,
	}, nil
}

// Assign decides the command.
func (Patient) Assign(_ PatientState, c Assign, _ cqrs.CommandMeta) (Assigned, error) {
	return Assigned{Doctor: c.Doctor, DoctorName: c.Name}, nil
}

// Visit decides the command.
func (Patient) Visit(_ PatientState, c Visit, _ cqrs.CommandMeta) (Visited, error) {
	return Visited{Day: c.Day}, nil
}
