package bundle

import (
	"compress/bzip2"
	"compress/zlib"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A xar archive is a header, a zlib-compressed XML table of contents, and a
// heap that its entries point into. No kept Go library reads it.

const (
	xarHeaderLength = 28
	// A table of contents names the Distribution, the components and their
	// resources: some ten KiB, a few folders deep.
	maxXarTOC   = 2 << 20
	maxXarFiles = 20_000
	maxXarDepth = 64
)

type xarArchive struct {
	r     io.ReaderAt
	size  int64
	heap  int64
	files []xarEntry
	// signer is the certificate that the archive names for its signature, nil
	// if it is unsigned.
	signer *Certificate
	signed bool
}

// A xarEntry is one file of the table of contents.
type xarEntry struct {
	path   string
	offset int64 // in the heap
	length int64 // as stored
	style  string
}

type xarFile struct {
	Name string `xml:"name"`
	Type string `xml:"type"`
	Data struct {
		Offset   int64 `xml:"offset"`
		Length   int64 `xml:"length"`
		Encoding struct {
			Style string `xml:"style,attr"`
		} `xml:"encoding"`
	} `xml:"data"`
	Files []xarFile `xml:"file"`
}

// A xarSignature names the certificates of whoever signed, the signer's first.
type xarSignature struct {
	Certificates []string `xml:"KeyInfo>X509Data>X509Certificate"`
}

// certificate is nil if it cannot be read.
func (s xarSignature) certificate() *Certificate {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s.Certificates[0]), ""))
	if err != nil {
		return nil
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return describeCertificate(c)
}

func openXar(r io.ReaderAt, size int64) (*xarArchive, error) {
	header := make([]byte, xarHeaderLength)
	if _, err := r.ReadAt(header, 0); err != nil {
		return nil, errors.New("the header is cut off")
	}
	headerLength := int64(binary.BigEndian.Uint16(header[4:]))
	compressed := binary.BigEndian.Uint64(header[8:])
	if headerLength < xarHeaderLength || compressed > maxXarTOC || headerLength+int64(compressed) > size {
		return nil, errors.New("the table of contents is cut off or not plausible")
	}
	inflate, err := zlib.NewReader(io.NewSectionReader(r, headerLength, int64(compressed)))
	if err != nil {
		return nil, fmt.Errorf("the table of contents is damaged: %w", err)
	}
	defer inflate.Close()
	bounded := &boundedReader{r: inflate, left: maxXarTOC}
	var document struct {
		TOC struct {
			Files      []xarFile      `xml:"file"`
			Signatures []xarSignature `xml:"signature"`
		} `xml:"toc"`
	}
	decoder := xml.NewDecoder(bounded)
	decoder.Strict = true
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("the table of contents is damaged: %w", err)
	}
	a := &xarArchive{r: r, size: size, heap: headerLength + int64(compressed), signed: len(document.TOC.Signatures) > 0}
	for _, signature := range document.TOC.Signatures {
		if a.signer == nil && len(signature.Certificates) > 0 {
			a.signer = signature.certificate()
		}
	}
	if err := a.collect("", document.TOC.Files, 0); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *xarArchive) collect(folder string, files []xarFile, depth int) error {
	if depth > maxXarDepth {
		return errors.New("the table of contents is nested too deeply")
	}
	for _, file := range files {
		if len(a.files) >= maxXarFiles {
			return errors.New("the table of contents has too many files")
		}
		path := folder + file.Name
		if file.Type == "file" || file.Type == "" && file.Files == nil {
			e := xarEntry{path: path, offset: file.Data.Offset, length: file.Data.Length, style: file.Data.Encoding.Style}
			if e.offset < 0 || e.length < 0 || e.offset > a.size-a.heap || e.length > a.size-a.heap-e.offset {
				return fmt.Errorf("%s lies outside of the file: the package is cut off", e.path)
			}
			a.files = append(a.files, e)
		}
		if err := a.collect(path+"/", file.Files, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// open returns a reader of an entry's content.
func (a *xarArchive) open(e xarEntry) (io.Reader, error) {
	section := io.NewSectionReader(a.r, a.heap+e.offset, e.length)
	switch {
	case strings.Contains(e.style, "bzip2"):
		return bzip2.NewReader(section), nil
	case strings.Contains(e.style, "gzip"): // zlib in truth
		return zlib.NewReader(section)
	case e.style == "" || strings.Contains(e.style, "octet-stream"):
		return section, nil
	}
	return nil, fmt.Errorf("%s: encoding %q is not known", e.path, e.style)
}

// read returns an entry's content, at most limit bytes of it.
func (a *xarArchive) read(e xarEntry, limit int64) ([]byte, error) {
	r, err := a.open(e)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(&boundedReader{r: r, left: limit})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.path, err)
	}
	return content, nil
}

var errTooLarge = errors.New("larger than it may be")

// A boundedReader fails, instead of ending, where its limit is passed.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.r.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, errTooLarge
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
