package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

const (
	// maxPbzxChunk bounds the memory for one chunk; Apple writes 16 MiB ones.
	maxPbzxChunk = 32 << 20
	// maxXzDictionary bounds the memory that one xz stream asks for. The
	// strongest setting of the xz tool asks for 64 MiB.
	maxXzDictionary = 64 << 20
	// A stream takes xzStreamCost and its dictionary. All chunks may take
	// xzAtLeast, and xzFor for each byte that comes out of them.
	xzStreamCost = 64 << 10
	xzResetCost  = 32 << 10 // of a part of a stream that begins anew
	xzAtLeast    = 96 << 20
	xzFor        = 4
)

var errPbzx = errors.New("the payload's pbzx stream is damaged")

// pbzxReader reads the chunked xz streams that pkgbuild writes for newer
// systems: "pbzx", a flags word, then chunks of {flags, length, data}. A chunk
// that is not xz is stored as it is.
type pbzxReader struct {
	r       io.Reader
	started bool
	chunk   io.Reader
	// taken is what the chunks took in memory so far, given what came out.
	taken, given int64
}

func (p *pbzxReader) Read(b []byte) (int, error) {
	for {
		if p.chunk != nil {
			n, err := p.chunk.Read(b)
			p.given += int64(n)
			if n > 0 || err != nil && !errors.Is(err, io.EOF) {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				return n, err
			}
			p.chunk = nil
		}
		if err := p.next(); err != nil {
			return 0, err
		}
	}
}

func (p *pbzxReader) next() error {
	var header [16]byte
	if !p.started {
		if _, err := io.ReadFull(p.r, header[:12]); err != nil {
			return io.ErrUnexpectedEOF
		}
		p.started = true
	}
	if _, err := io.ReadFull(p.r, header[:]); errors.Is(err, io.EOF) {
		return io.EOF
	} else if err != nil {
		return io.ErrUnexpectedEOF
	}
	length := binary.BigEndian.Uint64(header[8:])
	if length > maxPbzxChunk {
		return errPbzx
	}
	data, err := io.ReadAll(io.LimitReader(p.r, int64(length)))
	if err != nil {
		return err
	}
	if uint64(len(data)) < length {
		return io.ErrUnexpectedEOF
	}
	if !bytes.HasPrefix(data, []byte(xzMagic)) {
		p.chunk = bytes.NewReader(data)
		return nil
	}
	cost, err := xzCost(data)
	if err != nil {
		return err
	}
	if p.taken += cost; p.taken > xzAtLeast+xzFor*p.given {
		return errTooLarge
	}
	p.chunk, err = xz.ReaderConfig{DictCap: lzma.MinDictCap, SingleStream: true}.NewReader(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("the payload's xz stream is damaged: %w", brief(err))
	}
	return nil
}

const xzMagic = "\xfd7zXZ\x00"

// xzCost returns what memory the library takes for an xz stream. It takes as
// much as each block of the stream asks for, up to 4 GiB, so the blocks are
// followed first: their data says how long it is without being unpacked.
func xzCost(data []byte) (cost int64, err error) {
	damaged := errors.New("the payload's xz stream is damaged")
	if len(data) < 12 {
		return 0, damaged
	}
	// The length of a block's checksum, by its kind.
	check := [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[data[7]&0xf]
	cost = xzStreamCost
	for rest := data[12:]; ; {
		if len(rest) == 0 {
			return 0, damaged
		}
		length := (int(rest[0]) + 1) * 4
		if rest[0] == 0 { // the index, behind the last block
			return cost, nil
		}
		if length > len(rest) {
			return 0, damaged
		}
		dictionary, ok := xzDictionary(rest[:length])
		if !ok {
			return 0, damaged
		}
		if dictionary > maxXzDictionary {
			return 0, errTooLarge
		}
		cost += xzStreamCost + dictionary
		size, resets, ok := lzma2Length(rest[length:])
		if !ok {
			return 0, damaged
		}
		cost += xzResetCost * resets
		size += (4-size%4)%4 + check
		if rest = rest[length:]; size > len(rest) {
			return 0, damaged
		}
		rest = rest[size:]
	}
}

// xzDictionary reads the size of the dictionary from the header of a block that
// has one filter, LZMA2, as all that the library reads.
func xzDictionary(header []byte) (size int64, ok bool) {
	flags, at := header[1], 2
	for _, given := range []bool{flags&0x40 != 0, flags&0x80 != 0} { // sizes
		if !given {
			continue
		}
		_, n := binary.Uvarint(header[at:])
		if n <= 0 {
			return 0, false
		}
		at += n
	}
	if flags&3 != 0 || at+3 > len(header) || header[at] != 0x21 || header[at+1] != 1 || header[at+2] > 40 {
		return 0, false
	}
	bits := header[at+2]
	return int64(2|bits&1) << (bits/2 + 11), true
}

// lzma2Length returns how long a sequence of LZMA2 chunks is, with its end, and
// how many of them begin anew.
func lzma2Length(data []byte) (length int, resets int64, ok bool) {
	for at := 0; at < len(data); {
		control := data[at]
		header, size := 3, 1
		switch {
		case control == 0:
			return at + 1, resets, true
		case control >= 0x80:
			header = 5
			if control >= 0xc0 {
				header = 6 // with new properties
			}
			if at+5 > len(data) {
				return 0, 0, false
			}
			if control >= 0xa0 {
				resets++
			}
			size += int(binary.BigEndian.Uint16(data[at+3:]))
		case control > 2 || at+3 > len(data):
			return 0, 0, false
		default:
			size += int(binary.BigEndian.Uint16(data[at+1:]))
		}
		at += header + size
	}
	return 0, 0, false
}
