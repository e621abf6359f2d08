//go:build linux || darwin

package upload

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// tuneSocket bounds what waits unsent in the system. Where it cannot be set,
// the connection works all the same.
func tuneSocket(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentMark)
	})
}
