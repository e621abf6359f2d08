package bundle

import (
	"errors"
	"io"
	"strconv"
)

// maxCpioName bounds the name of a file in an archive, before it is cleaned.
const maxCpioName = 4 * maxPath

// A cpioEntry is the header of one file; its content follows in the stream.
type cpioEntry struct {
	name string
	size int64
	mode uint16
}

// cpioReader reads the archives inside installer packages. Apple writes the
// old portable format ("070707", octal), which kept Go libraries do not read;
// the newer one ("070701", hexadecimal) costs a few lines more.
type cpioReader struct {
	r    io.Reader
	left int64 // of the current file, with padding
	rest int64 // of the current file, without
}

// next goes to the next file. The end is io.EOF.
func (c *cpioReader) next() (cpioEntry, error) {
	if c.left > 0 {
		if _, err := io.CopyN(io.Discard, c.r, c.left); err != nil {
			return cpioEntry{}, cutOff(err)
		}
	}
	c.left = 0
	var magic [6]byte
	if _, err := io.ReadFull(c.r, magic[:]); err != nil {
		return cpioEntry{}, err
	}
	var e cpioEntry
	var nameLength, namePad, dataPad int64
	var mode uint64
	var err error
	switch string(magic[:]) {
	case "070707":
		var header [70]byte
		if _, err := io.ReadFull(c.r, header[:]); err != nil {
			return cpioEntry{}, cutOff(err)
		}
		nameLength, err = strconv.ParseInt(string(header[53:59]), 8, 64)
		mode, _ = strconv.ParseUint(string(header[12:18]), 8, 32) // unknown if it is no number
		if err == nil {
			e.size, err = strconv.ParseInt(string(header[59:70]), 8, 64)
		}
	case "070701", "070702":
		var header [104]byte
		if _, err := io.ReadFull(c.r, header[:]); err != nil {
			return cpioEntry{}, cutOff(err)
		}
		nameLength, err = strconv.ParseInt(string(header[88:96]), 16, 64)
		mode, _ = strconv.ParseUint(string(header[8:16]), 16, 32)
		if err == nil {
			e.size, err = strconv.ParseInt(string(header[48:56]), 16, 64)
		}
		namePad = pad4(110 + nameLength)
		dataPad = pad4(e.size)
	default:
		return cpioEntry{}, errors.New("the payload is not a cpio archive")
	}
	if err == nil && nameLength > maxCpioName {
		return cpioEntry{}, errLongPath
	}
	if err != nil || nameLength < 1 || e.size < 0 {
		return cpioEntry{}, errors.New("the payload is damaged")
	}
	name := make([]byte, nameLength+namePad)
	if _, err := io.ReadFull(c.r, name); err != nil {
		return cpioEntry{}, cutOff(err)
	}
	e.name, e.mode = string(name[:nameLength-1]), uint16(mode)
	if e.name == "TRAILER!!!" {
		return cpioEntry{}, io.EOF
	}
	c.left, c.rest = e.size+dataPad, e.size
	return e, nil
}

// Read reads on in the current file, up to its end.
func (c *cpioReader) Read(p []byte) (int, error) {
	if c.rest <= 0 {
		return 0, io.EOF
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.rest)])
	c.rest -= int64(n)
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// read returns the current file's content, at most limit bytes.
func (c *cpioReader) read(e cpioEntry, limit int64) ([]byte, error) {
	if e.size > limit {
		return nil, errTooLarge
	}
	content := make([]byte, e.size)
	if _, err := io.ReadFull(c, content); err != nil {
		return nil, cutOff(err)
	}
	return content, nil
}

// cutOff makes an end that comes too early one, and leaves other failures as
// they are: a payload that is too large is not one that is cut off.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func pad4(n int64) int64 { return (4 - n%4) % 4 }
