package bundletest

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// The platforms of programs.
const (
	MachOMacOS        = 1
	MachOIOS          = 2
	MachOWatchOS      = 4
	MachOIOSSimulator = 7
)

// A Program is a Mach-O file that does nothing.
type Program struct {
	// Platform is MachOIOS if zero, CPU arm64 ("x86_64" and "armv7" are known).
	Platform       uint32
	CPU            string
	MinimumOS, SDK string
	Libraries      []string
	Encrypted      bool
	// Body is how many bytes it has besides.
	Body    int
	Signing *Signing
}

// Encode writes the program.
func (p Program) Encode() []byte {
	var commands []byte
	count := uint32(0)
	word := func(values ...uint32) {
		for _, v := range values {
			commands = binary.LittleEndian.AppendUint32(commands, v)
		}
	}
	if p.Platform == 0 {
		p.Platform = MachOIOS
	}
	word(0x32, 24, p.Platform, pack(p.MinimumOS), pack(p.SDK), 0)
	count++
	for _, library := range p.Libraries {
		name := append([]byte(library), 0)
		for len(name)%8 != 0 {
			name = append(name, 0)
		}
		word(0xc, uint32(24+len(name)), 24, 0, 0, 0)
		commands = append(commands, name...)
		count++
	}
	if p.Encrypted {
		word(0x2c, 24, 0, 0, 1, 0)
		count++
	}
	var signature []byte
	if p.Signing != nil {
		signature = p.Signing.encode()
		word(0x1d, 16, uint32(32+len(commands)+16+p.Body), uint32(len(signature)))
		count++
	}
	cpu := map[string][2]uint32{"": {0x0100000c, 0}, "arm64": {0x0100000c, 0}, "x86_64": {0x01000007, 3}, "armv7": {12, 9}}[p.CPU]
	header := []byte{}
	for _, v := range []uint32{0xfeedfacf, cpu[0], cpu[1], 2, count, uint32(len(commands)), 0, 0} {
		header = binary.LittleEndian.AppendUint32(header, v)
	}
	return slices.Concat(header, commands, make([]byte, p.Body), signature)
}

// pack writes a version as 16, 8 and 8 bits.
func pack(version string) uint32 {
	var major, minor, patch uint32
	_, _ = fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch) // fewer numbers are fine
	return major<<16 | minor<<8 | patch
}

// Universal joins programs into one file.
func Universal(programs ...Program) []byte {
	out := binary.BigEndian.AppendUint32(nil, 0xcafebabe)
	out = binary.BigEndian.AppendUint32(out, uint32(len(programs)))
	offset := 4096
	var body []byte
	for _, p := range programs {
		content := p.Encode()
		for _, v := range []uint32{binary.LittleEndian.Uint32(content[4:]), binary.LittleEndian.Uint32(content[8:]), uint32(offset + len(body)), uint32(len(content)), 12} {
			out = binary.BigEndian.AppendUint32(out, v)
		}
		body = append(body, content...)
	}
	return slices.Concat(out, make([]byte, 4096-len(out)), body)
}
