//go:build unix

package sandbox

import "syscall"

// smallWindow keeps the receive buffer of an emulated link small: what waits
// in it has left the client but has not been counted.
func smallWindow(_, _ string, c syscall.RawConn) error {
	var setErr error
	err := c.Control(func(fd uintptr) {
		setErr = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 64<<10)
	})
	if err != nil {
		return err
	}
	return setErr
}
