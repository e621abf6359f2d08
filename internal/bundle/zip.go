package bundle

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// This reader exists beside archive/zip because Xcode writes archives over
// 4 GiB whose 32-bit sizes and offsets have wrapped around, without zip64
// records (fastlane#17806). It finds the directory from the end of the file
// and tries every place at which a wrapped offset may really be.

const (
	zipLocalSignature     = 0x04034b50
	zipDirectorySignature = 0x02014b50
	zipEndSignature       = 0x06054b50
	zip64LocatorSignature = 0x07064b50
	zip64EndSignature     = 0x06064b50

	// The systems whose archives have Unix modes.
	zipUnix, zipDarwin = 3, 19

	zipEndLength       = 22
	zipLocalLength     = 30
	zipDirectoryLength = 46
	maxZipComment      = 1<<16 - 1
	// maxZipPlaces bounds at how many places an entry is looked for, one for
	// each 4 GiB.
	maxZipPlaces = 64
)

var errNotZip = errors.New("the zip directory at the end of the file is missing: the file is cut off")

// A zipArchive is the place of a zip directory in a file.
type zipArchive struct {
	r    io.ReaderAt
	size int64
	// The directory is in [start, end). shift is how far it lies from where
	// the archive says: prepended data, or offsets that wrapped around.
	start, end, shift int64
}

// A zipEntry is one file of the directory.
type zipEntry struct {
	name       string
	method     uint16
	encrypted  bool
	compressed int64
	// unpacked is the size as the directory says it, which for files over
	// 4 GiB may have wrapped around.
	unpacked int64
	offset   int64
	// mode has the Unix permissions and type, zero where the archive was made
	// without them.
	mode uint16
}

// openZip finds the directory.
func openZip(r io.ReaderAt, size int64) (*zipArchive, error) {
	tail := make([]byte, min(size, zipEndLength+maxZipComment))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read: %w", err)
	}
	at := -1
	for i := len(tail) - zipEndLength; i >= 0; i-- {
		if binary.LittleEndian.Uint32(tail[i:]) == zipEndSignature && i+zipEndLength+int(binary.LittleEndian.Uint16(tail[i+20:])) <= len(tail) {
			at = i
			break
		}
	}
	if at < 0 {
		return nil, errNotZip
	}
	a := &zipArchive{r: r, size: size, end: size - int64(len(tail)) + int64(at)}
	length := int64(binary.LittleEndian.Uint32(tail[at+12:]))
	offset := int64(binary.LittleEndian.Uint32(tail[at+16:]))
	if length64, offset64, end, ok := a.zip64(); ok {
		length, offset, a.end = length64, offset64, end
	}
	// The directory ends where the end record starts; only if nothing is
	// there, believe the offset.
	for _, start := range []int64{a.end - length, offset} {
		if start >= 0 && start+length <= a.end && (length == 0 || a.signature(start) == zipDirectorySignature) {
			a.start, a.shift = start, start-offset
			a.end = start + length
			return a, nil
		}
	}
	return nil, errors.New("the zip directory is damaged: it is not where the end of the file says")
}

// zip64 reads the zip64 end record before the ordinary one, if there is one.
func (a *zipArchive) zip64() (length, offset, end int64, ok bool) {
	var locator [20]byte
	at := a.end - int64(len(locator))
	if at < 0 {
		return 0, 0, 0, false
	}
	if _, err := a.r.ReadAt(locator[:], at); err != nil || binary.LittleEndian.Uint32(locator[:]) != zip64LocatorSignature {
		return 0, 0, 0, false
	}
	claimed := binary.LittleEndian.Uint64(locator[8:])
	// Usually directly before the locator, without extensible data.
	for _, place := range []uint64{claimed, uint64(max(at-56, 0))} {
		var record [56]byte
		if place > uint64(at) {
			continue
		}
		if _, err := a.r.ReadAt(record[:], int64(place)); err != nil || binary.LittleEndian.Uint32(record[:]) != zip64EndSignature {
			continue
		}
		l, o := binary.LittleEndian.Uint64(record[40:]), binary.LittleEndian.Uint64(record[48:])
		if l > uint64(a.size) || o > uint64(a.size) {
			continue
		}
		return int64(l), int64(o), int64(place), true
	}
	return 0, 0, 0, false
}

func (a *zipArchive) signature(at int64) uint32 {
	var b [4]byte
	if _, err := a.r.ReadAt(b[:], at); err != nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b[:])
}

// walk reads the directory once, in order, and calls visit for every entry.
// Only one entry is in memory at a time.
func (a *zipArchive) walk(visit func(zipEntry) error) error {
	r := bufio.NewReaderSize(io.NewSectionReader(a.r, a.start, a.end-a.start), 64<<10)
	var header [zipDirectoryLength]byte
	var rest []byte
	for {
		if _, err := io.ReadFull(r, header[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return errors.New("the zip directory is cut off")
		}
		if binary.LittleEndian.Uint32(header[:]) != zipDirectorySignature {
			return errors.New("the zip directory is damaged")
		}
		nameLength := int(binary.LittleEndian.Uint16(header[28:]))
		extraLength := int(binary.LittleEndian.Uint16(header[30:]))
		total := nameLength + extraLength + int(binary.LittleEndian.Uint16(header[32:]))
		if cap(rest) < total {
			rest = make([]byte, total)
		}
		rest = rest[:total]
		if _, err := io.ReadFull(r, rest); err != nil {
			return errors.New("the zip directory is cut off")
		}
		entry := zipEntry{
			name:       string(rest[:nameLength]),
			method:     binary.LittleEndian.Uint16(header[10:]),
			encrypted:  binary.LittleEndian.Uint16(header[8:])&1 != 0,
			compressed: int64(binary.LittleEndian.Uint32(header[20:])),
			unpacked:   int64(binary.LittleEndian.Uint32(header[24:])),
			offset:     int64(binary.LittleEndian.Uint32(header[42:])),
		}
		if system := header[5]; system == zipUnix || system == zipDarwin {
			entry.mode = binary.LittleEndian.Uint16(header[40:])
		}
		entry.applyZip64(rest[nameLength : nameLength+extraLength])
		if err := visit(entry); err != nil {
			return err
		}
	}
}

// applyZip64 takes the 64-bit values for the fields that say so.
func (e *zipEntry) applyZip64(extra []byte) {
	const all = 1<<32 - 1
	for len(extra) >= 4 {
		id, length := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		extra = extra[4:]
		if length > len(extra) {
			return
		}
		field := extra[:length]
		extra = extra[length:]
		if id != 1 {
			continue
		}
		take := func(wanted bool, into *int64) {
			if wanted && len(field) >= 8 {
				*into = int64(binary.LittleEndian.Uint64(field))
				field = field[8:]
			}
		}
		take(e.unpacked == all, &e.unpacked)
		take(e.compressed == all, &e.compressed)
		take(e.offset == all, &e.offset)
	}
}

// open returns a reader of an entry's content, which can seek where the entry
// is stored as it is.
func (a *zipArchive) open(e zipEntry) (io.Reader, error) {
	if e.encrypted {
		return nil, errors.New("the zip file is encrypted")
	}
	start, err := a.locate(e)
	if err != nil {
		return nil, err
	}
	section := io.NewSectionReader(a.r, start, max(0, min(e.compressed, a.size-start)))
	switch e.method {
	case 0:
		return section, nil
	case 8:
		return flate.NewReader(bufio.NewReaderSize(section, int(min(section.Size(), 32<<10)))), nil
	}
	return nil, fmt.Errorf("%s: compression method %d is not known", e.name, e.method)
}

// read returns the content of an entry, at most limit bytes of it.
func (a *zipArchive) read(e zipEntry, limit int64) ([]byte, error) {
	r, err := a.open(e)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s is larger than %d MiB", e.name, limit>>20)
	}
	return content, nil
}

// locate returns where an entry's data starts. The recorded offset may have
// wrapped around at 4 GiB any number of times, so each possible place is
// looked at until one holds a local header with the entry's own name.
func (a *zipArchive) locate(e zipEntry) (int64, error) {
	const wrap = 1 << 32
	places := []int64{e.offset, e.offset + a.shift}
	if e.offset >= 0 && e.offset < wrap {
		for place := e.offset + wrap; place < a.size && len(places) < maxZipPlaces; place += wrap {
			places = append(places, place)
		}
	}
	header := make([]byte, zipLocalLength+len(e.name))
	for _, place := range places {
		if place < 0 || place > a.size-int64(len(header)) {
			continue
		}
		if _, err := a.r.ReadAt(header, place); err != nil {
			continue
		}
		if binary.LittleEndian.Uint32(header) != zipLocalSignature || !bytes.Equal(header[zipLocalLength:], []byte(e.name)) {
			continue
		}
		nameLength := int64(binary.LittleEndian.Uint16(header[26:]))
		extraLength := int64(binary.LittleEndian.Uint16(header[28:]))
		return place + zipLocalLength + nameLength + extraLength, nil
	}
	return 0, fmt.Errorf("%s is in the zip directory but not in the file: the file is damaged", e.name)
}
