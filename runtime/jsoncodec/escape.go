package jsoncodec

import "unsafe"

// hide returns p, hidden from escape analysis: a Writer or Reader, or a value inside a generated function, then stays
// on the stack although a function value is called with its address. That is sound as long as the function does not
// keep the pointer, which is the contract of every function that is passed to this package.
func hide[T any](p *T) *T { return (*T)(noescape(unsafe.Pointer(p))) }

// noescape is that of package internal/abi, which strings.Builder uses, written so that go vet follows it. The address
// is a plain number for a moment. Were the stack to move then, the number would be stale: so there must be no call in
// between, neither one that the compiler adds to grow the stack (nosplit) nor one that it adds to check pointers under
// the race detector (nocheckptr). Both directives are what correctness rests on.
//
//go:nosplit
//go:nocheckptr
func noescape(p unsafe.Pointer) unsafe.Pointer {
	address := uintptr(p)
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}
