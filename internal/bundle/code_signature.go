package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// A Signature is the code signature of a program.
type Signature struct {
	// Identifier is what it was signed as, usually the bundle id.
	Identifier string `json:"identifier"`
	Team       string `json:"team"`
	// AdHoc signatures name nobody.
	AdHoc        bool         `json:"ad_hoc"`
	Entitlements Entitlements `json:"entitlements"`
	// Certificate is that of the signer, nil if it cannot be read.
	Certificate *Certificate `json:"certificate"`
}

// The layout of signatures is that of Apple's open source (cs_blobs.h): blobs
// of big-endian numbers, each with a magic and its length.
const (
	blobSuper         = 0xfade0cc0
	blobDirectory     = 0xfade0c02
	blobEntitlements  = 0xfade7171
	blobWrapper       = 0xfade0b01
	slotDirectory     = 0
	slotEntitlements  = 5
	slotSignature     = 0x10000
	maxBlobs          = 64
	maxSignature      = 16 << 20
	directoryAdHoc    = 0x2
	directoryWithTeam = 0x20200
)

var errSignature = errors.New("the code signature is damaged")

// parseSignature reads the signature that a program's LC_CODE_SIGNATURE points
// at.
func parseSignature(data []byte, spend *budget) (*Signature, error) {
	if len(data) < 12 || binary.BigEndian.Uint32(data) != blobSuper {
		return nil, errSignature
	}
	count := int(binary.BigEndian.Uint32(data[8:]))
	if count > maxBlobs || 12+8*count > len(data) {
		return nil, errSignature
	}
	s := &Signature{}
	directory, seen := false, map[uint32]bool{}
	for i := range count {
		slot, offset := binary.BigEndian.Uint32(data[12+8*i:]), binary.BigEndian.Uint32(data[16+8*i:])
		magic, blob, ok := blobAt(data, offset)
		if !ok {
			return nil, errSignature
		}
		// A slot is there once; blobs that share their bytes would be read again
		// and again.
		if seen[slot] {
			return nil, errSignature
		}
		seen[slot] = true
		switch {
		case slot == slotDirectory && magic == blobDirectory:
			if err := s.readDirectory(blob); err != nil {
				return nil, err
			}
			directory = true
		case slot == slotEntitlements && magic == blobEntitlements:
			err := spend.spend(documentCost + int64(len(blob)))
			if err != nil {
				return nil, err
			}
			if s.Entitlements, err = parseEntitlements(blob[8:]); err != nil {
				return nil, err
			}
		case slot == slotSignature && magic == blobWrapper && len(blob) > 8:
			// A certificate that cannot be read is told by its absence.
			if spend.spend(documentCost+int64(len(blob))) == nil {
				_, s.Certificate, _ = parseCMS(blob[8:])
			}
		}
	}
	if !directory {
		return nil, errSignature
	}
	return s, nil
}

// blobAt returns a blob with its header.
func blobAt(data []byte, offset uint32) (magic uint32, blob []byte, ok bool) {
	if uint64(offset)+8 > uint64(len(data)) {
		return 0, nil, false
	}
	length := binary.BigEndian.Uint32(data[offset+4:])
	if length < 8 || uint64(offset)+uint64(length) > uint64(len(data)) {
		return 0, nil, false
	}
	return binary.BigEndian.Uint32(data[offset:]), data[offset : uint64(offset)+uint64(length)], true
}

func (s *Signature) readDirectory(blob []byte) error {
	if len(blob) < 44 {
		return errSignature
	}
	version, flags := binary.BigEndian.Uint32(blob[8:]), binary.BigEndian.Uint32(blob[12:])
	s.AdHoc = flags&directoryAdHoc != 0
	s.Identifier = textAt(blob, binary.BigEndian.Uint32(blob[20:]))
	if version >= directoryWithTeam && len(blob) >= 52 {
		s.Team = textAt(blob, binary.BigEndian.Uint32(blob[48:]))
	}
	return nil
}

// textAt returns a text that ends with a zero byte; offset 0 is none.
func textAt(blob []byte, offset uint32) string {
	if offset == 0 || uint64(offset) >= uint64(len(blob)) {
		return ""
	}
	text, _, _ := bytes.Cut(blob[offset:], []byte{0})
	return string(text[:min(len(text), 1<<10)])
}
