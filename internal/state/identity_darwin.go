package state

import (
	"os"
	"syscall"
)

func (id *Identity) addSystem(info os.FileInfo) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		id.Changed, id.Device, id.Inode = s.Ctimespec.Nano(), uint64(s.Dev), s.Ino
	}
}
