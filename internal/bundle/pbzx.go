package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
)

// maxPbzxChunk bounds the memory for one chunk; Apple writes 16 MiB ones.
const maxPbzxChunk = 32 << 20

// pbzxReader reads the chunked xz streams that pkgbuild writes for newer
// systems: "pbzx", a flags word, then chunks of {flags, length, data}. A chunk
// that is not xz is stored as it is.
type pbzxReader struct {
	r       io.Reader
	started bool
	chunk   io.Reader
}

func (p *pbzxReader) Read(b []byte) (int, error) {
	for {
		if p.chunk != nil {
			n, err := p.chunk.Read(b)
			if n > 0 || err != nil && err != io.EOF {
				if err == io.EOF {
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
	if _, err := io.ReadFull(p.r, header[:]); err != nil {
		if err == io.EOF {
			return io.EOF
		}
		return io.ErrUnexpectedEOF
	}
	length := binary.BigEndian.Uint64(header[8:])
	if length > maxPbzxChunk {
		return errors.New("the payload's pbzx stream is damaged")
	}
	data, err := io.ReadAll(io.LimitReader(p.r, int64(length)))
	if err != nil {
		return err
	}
	if uint64(len(data)) < length {
		return io.ErrUnexpectedEOF
	}
	if !bytes.HasPrefix(data, []byte("\xfd7zXZ\x00")) {
		p.chunk = bytes.NewReader(data)
		return nil
	}
	p.chunk, err = xz.ReaderConfig{DictCap: maxPbzxChunk}.NewReader(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("the payload's xz stream is damaged: %w", err)
	}
	return nil
}
