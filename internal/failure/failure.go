// Package failure has the one type for everything that ends a run, and turns
// the typed errors of the packages below into it. What a command says, its JSON
// and its exit code all come from here.
package failure

import "errors"

// A Kind says what sort of failure ended a run. Each has its exit code.
type Kind string

// The kinds of failure.
const (
	Internal       Kind = "internal"
	Usage          Kind = "usage"
	Auth           Kind = "auth"
	NotFound       Kind = "not_found"
	InvalidPackage Kind = "invalid_package"
	Transfer       Kind = "transfer"
	Rejected       Kind = "rejected"
	Timeout        Kind = "timeout"
	Conflict       Kind = "conflict"
	Interrupted    Kind = "interrupted"
)

// ErrInterrupted is the cause of a context that the user ended.
var ErrInterrupted = errors.New("stopped by the user")

// An Error is a failure with what to do about it. Its JSON form is part of the
// command line's contract.
type Error struct {
	Kind Kind `json:"kind"`
	// Message says what was attempted and what came of it.
	Message string `json:"message"`
	// Hint says what to do next. It may be empty.
	Hint string `json:"hint"`
	// Details are more lines, such as Apple's findings or existing names.
	Details []string `json:"details"`
	// Err is what went wrong underneath, or nil.
	Err error `json:"-"`
}

// Error is the message with what went wrong underneath.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns what went wrong underneath, or nil.
func (e *Error) Unwrap() error { return e.Err }
