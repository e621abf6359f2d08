//go:build !linux && !darwin

package upload

import "syscall"

// tuneSocket leaves the socket as it is: there is no such option here.
func tuneSocket(_, _ string, _ syscall.RawConn) error { return nil }
