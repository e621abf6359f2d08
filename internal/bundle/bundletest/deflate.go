package bundletest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
)

// pieceSize is the content that is compressed by itself where there is more of
// it. Large test packages are the same pieces again and again, mostly zeros,
// and compressing those under the race detector takes minutes.
const pieceSize = 1 << 20

// A deflater compresses each piece once.
type deflater map[[sha256.Size]byte][]byte

// deflate is a deflate stream of content.
func (d deflater) deflate(content []byte) []byte {
	var out bytes.Buffer
	for len(content) > 0 {
		piece := content[:min(pieceSize, len(content))]
		content = content[len(piece):]
		sum := sha256.Sum256(piece)
		compressed, ok := d[sum]
		if !ok {
			var b bytes.Buffer
			w, _ := flate.NewWriter(&b, flate.DefaultCompression) // a level that there is
			_, _ = w.Write(piece)                                 // a buffer does not fail
			_ = w.Flush()                                         // ends at a whole byte, without ending the stream
			compressed = b.Bytes()
			d[sum] = compressed
		}
		out.Write(compressed)
	}
	w, _ := flate.NewWriter(&out, flate.DefaultCompression)
	_ = w.Close() // the last block, which is empty
	return out.Bytes()
}

// entry adds a large file to a zip archive.
func (d deflater) entry(w *zip.Writer, header *zip.FileHeader, content []byte) error {
	compressed := d.deflate(content)
	header.CRC32 = crc32.ChecksumIEEE(content)
	header.CompressedSize64, header.UncompressedSize64 = uint64(len(compressed)), uint64(len(content))
	entry, err := w.CreateRaw(header)
	if err == nil {
		_, err = entry.Write(compressed)
	}
	return err
}

// Gzip compresses content.
func Gzip(content []byte) []byte {
	var out bytes.Buffer
	if len(content) > pieceSize {
		out.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}) // deflated, at no time, by no system
		out.Write(deflater{}.deflate(content))
		out.Write(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(content)))
		out.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(content))))
		return out.Bytes()
	}
	w := gzip.NewWriter(&out)
	_, _ = w.Write(content) // as above
	_ = w.Close()
	return out.Bytes()
}
