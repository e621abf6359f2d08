package bundle

import (
	"bytes"
	"debug/macho"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// An Executable is the program of a bundle.
type Executable struct {
	Path string `json:"path"`
	// Bytes is its size.
	Bytes int64 `json:"bytes"`
	// Problem says why it is no program, "" if it is one.
	Problem string `json:"problem,omitempty"`
	// NotExecutable tells that its permissions forbid running it.
	NotExecutable bool    `json:"not_executable,omitempty"`
	Slices        []Slice `json:"slices"`
	// Signature is nil if it has none, or SignatureUnread says why it was not
	// read.
	Signature       *Signature `json:"signature"`
	SignatureUnread string     `json:"signature_unread,omitempty"`

	// foreign tells that it is no program for Apple's systems at all.
	foreign bool
	// signatures is what may be read of signatures.
	signatures *budget
}

// A Slice is a program for one architecture.
type Slice struct {
	Architecture string `json:"architecture"`
	// Platform, MinimumOS and SDK are those of the load commands, empty where
	// there are none.
	Platform  string `json:"platform"`
	MinimumOS string `json:"minimum_os"`
	SDK       string `json:"sdk"`
	// Encrypted tells that it comes from the App Store.
	Encrypted bool `json:"encrypted,omitempty"`
	// Libraries are the install names of what it links.
	Libraries []string `json:"libraries"`
}

// The load commands that matter here and that debug/macho does not name. That
// package is not used to read: it takes the symbol tables as well, which lie at
// the end of a program, and the program lies compressed in an archive.
const (
	loadDylib         = 0xc
	loadWeakDylib     = 0x80000018
	loadReexportDylib = 0x8000001f
	loadSignature     = 0x1d
	loadEncryption    = 0x21
	loadEncryption64  = 0x2c
	loadMinMacOS      = 0x24
	loadMinIOS        = 0x25
	loadMinTVOS       = 0x2f
	loadMinWatchOS    = 0x30
	loadBuildVersion  = 0x32

	maxLoadCommands = 1 << 20
	smallRead       = 4 << 10
	maxLibraries    = 2000
	maxSlices       = 8 // Java classes begin with the same magic, and with a version above this
	fatMagic64      = 0xcafebabf
)

// machoPlatforms are the platforms of LC_BUILD_VERSION.
var machoPlatforms = map[uint32]string{
	1: "macOS", 2: "iOS", 3: "tvOS", 4: "watchOS", 5: "bridgeOS", 6: "macCatalyst", 7: "iOS simulator", 8: "tvOS simulator", 9: "watchOS simulator",
	10: "DriverKit", 11: "visionOS", 12: "visionOS simulator",
}

var errNotMachO = errors.New("it is not a program for Apple's systems")

// A forwardReader reads places of a stream in rising order. Where the stream
// can seek, it does.
type forwardReader struct {
	r  io.Reader
	at int64
}

// read returns length bytes from an offset on.
func (f *forwardReader) read(offset, length int64) ([]byte, error) {
	if offset < f.at {
		return nil, errors.New("the program's parts are not in order")
	}
	if seeker, ok := f.r.(io.Seeker); ok {
		if _, err := seeker.Seek(offset, io.SeekStart); err != nil {
			return nil, err
		}
	} else if offset > f.at {
		if _, err := io.CopyN(io.Discard, f.r, offset-f.at); err != nil {
			return nil, cutOff(err)
		}
	}
	f.at = offset
	if length <= smallRead {
		content := make([]byte, length)
		n, err := io.ReadFull(f.r, content)
		f.at += int64(n)
		return content[:n], cutOff(err)
	}
	// What is claimed to be there may not be, so memory grows with what is.
	var content bytes.Buffer
	n, err := io.CopyN(&content, f.r, length)
	f.at += n
	return content.Bytes(), cutOff(err)
}

// readExecutable reads a program's load commands, and its signature if that
// lies within reach bytes from the start.
func readExecutable(r io.Reader, size, reach int64, signatures *budget) *Executable {
	e := &Executable{Bytes: size, signatures: signatures}
	f := &forwardReader{r: r}
	switch err := e.readSlices(f, reach); {
	case errors.Is(err, errTooLarge):
		e.SignatureUnread = "there is more in the package than is unpacked"
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Problem = "it is cut off"
	case err != nil:
		e.Problem, e.foreign = brief(err).Error(), errors.Is(err, errNotMachO)
	}
	return e
}

func (e *Executable) readSlices(f *forwardReader, reach int64) error {
	head, err := f.read(0, 8)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errNotMachO
	}
	if err != nil {
		return err
	}
	magic, count := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
	if magic != macho.MagicFat && magic != fatMagic64 {
		return e.readSlice(f, 0, head, reach)
	}
	if count == 0 || count > maxSlices {
		return errNotMachO
	}
	size := int64(20)
	if magic == fatMagic64 {
		size = 32
	}
	table, err := f.read(8, size*int64(count))
	if err != nil {
		return err
	}
	var offsets []int64
	for i := range int(count) {
		entry := table[int64(i)*size:]
		if magic == fatMagic64 {
			offsets = append(offsets, int64(binary.BigEndian.Uint64(entry[8:])))
		} else {
			offsets = append(offsets, int64(binary.BigEndian.Uint32(entry[8:])))
		}
	}
	slices.Sort(offsets)
	for _, offset := range offsets {
		if offset < 8 {
			return errNotMachO
		}
		head, err := f.read(offset, 8)
		if err != nil {
			return err
		}
		if err := e.readSlice(f, offset, head, reach); err != nil {
			return err
		}
	}
	return nil
}

// readSlice reads the program at an offset, of which 8 bytes have been read.
func (e *Executable) readSlice(f *forwardReader, offset int64, head []byte, reach int64) error {
	length := int64(28)
	switch binary.LittleEndian.Uint32(head) {
	case macho.Magic64:
		length = 32
	case macho.Magic32:
	default:
		return errNotMachO
	}
	rest, err := f.read(offset+8, length-8)
	if err != nil {
		return err
	}
	header := append(slices.Clone(head), rest...)
	commands := int64(binary.LittleEndian.Uint32(header[20:]))
	if commands > maxLoadCommands {
		return errors.New("its load commands are damaged")
	}
	data, err := f.read(offset+length, commands)
	if err != nil {
		return err
	}
	s := Slice{Architecture: architecture(binary.LittleEndian.Uint32(header[4:]), binary.LittleEndian.Uint32(header[8:])), Libraries: []string{}}
	signature, signatureLength, err := s.readCommands(data, int(binary.LittleEndian.Uint32(header[16:])))
	e.Slices = append(e.Slices, s)
	if err != nil || signature == 0 || e.Signature != nil || e.SignatureUnread != "" {
		return err
	}
	switch {
	case signatureLength > maxSignature:
		return errSignature
	case offset+signature > reach:
		if _, seeks := f.r.(io.Seeker); !seeks {
			e.SignatureUnread = fmt.Sprintf("it lies behind %d MiB", (offset+signature)>>20)
			return nil
		}
	}
	content, err := f.read(offset+signature, signatureLength)
	if err != nil {
		return err
	}
	e.Signature, err = parseSignature(content, e.signatures)
	return err
}

// readCommands reads the load commands and returns where the signature is,
// from the start of the slice.
func (s *Slice) readCommands(data []byte, count int) (offset, length int64, err error) {
	for range count {
		if len(data) < 8 {
			return 0, 0, errors.New("its load commands are cut off")
		}
		command, size := binary.LittleEndian.Uint32(data), binary.LittleEndian.Uint32(data[4:])
		if size < 8 || uint64(size) > uint64(len(data)) {
			return 0, 0, errors.New("its load commands are damaged")
		}
		body := data[:size]
		data = data[size:]
		word := func(at int) uint32 {
			if at+4 > len(body) {
				return 0
			}
			return binary.LittleEndian.Uint32(body[at:])
		}
		switch command {
		case loadBuildVersion:
			s.Platform, s.MinimumOS, s.SDK = machoPlatform(word(8)), packedVersion(word(12)), packedVersion(word(16))
		case loadMinIOS, loadMinMacOS, loadMinTVOS, loadMinWatchOS:
			s.Platform = minimumPlatform(command)
			s.MinimumOS, s.SDK = packedVersion(word(8)), packedVersion(word(12))
			if intel := s.Architecture == "i386" || s.Architecture == "x86_64"; intel && s.Platform != "macOS" {
				s.Platform += " simulator" // older ones do not say so
			}
		case loadDylib, loadWeakDylib, loadReexportDylib:
			if name := textAt(body, word(8)); name != "" && len(s.Libraries) < maxLibraries {
				s.Libraries = append(s.Libraries, name)
			}
		case loadEncryption, loadEncryption64:
			s.Encrypted = word(16) != 0
		case loadSignature:
			offset, length = int64(word(8)), int64(word(12))
		}
	}
	return offset, length, nil
}

// minimumPlatform is the platform of the older load commands, one for each.
func minimumPlatform(command uint32) string {
	switch command {
	case loadMinIOS:
		return "iOS"
	case loadMinTVOS:
		return "tvOS"
	case loadMinWatchOS:
		return "watchOS"
	}
	return "macOS"
}

func machoPlatform(n uint32) string {
	if name, ok := machoPlatforms[n]; ok {
		return name
	}
	return fmt.Sprintf("platform %d", n)
}

// packedVersion writes a version that is packed as 16, 8 and 8 bits.
func packedVersion(v uint32) string {
	if v == 0 {
		return ""
	}
	if patch := v & 0xff; patch != 0 {
		return fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xff, patch)
	}
	return fmt.Sprintf("%d.%d", v>>16, v>>8&0xff)
}

// architecture names a processor as Apple's tools do.
func architecture(cpu, sub uint32) string {
	sub &= 0xffffff
	switch macho.Cpu(cpu) {
	case macho.CpuArm64:
		if sub == 2 {
			return "arm64e"
		}
		return "arm64"
	case macho.CpuArm:
		if sub == 11 {
			return "armv7s"
		}
		return "armv7"
	case macho.CpuAmd64:
		return "x86_64"
	case macho.Cpu386:
		return "i386"
	}
	if cpu == 0x0200000c { // CPU_TYPE_ARM64_32
		return "arm64_32"
	}
	return fmt.Sprintf("cpu %#x", cpu)
}
