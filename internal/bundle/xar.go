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
	// A table may have minXarTOC bytes, and tocFor for each compressed one.
	minXarTOC = 256 << 10
	tocFor    = 100
	// xarDocumentCost is what opening an entry takes besides, of maxPkgXML for
	// all.
	xarDocumentCost = 16 << 10
	bzip2Cost       = 256 << 10
	// maxXarCertificate bounds a certificate as text.
	maxXarCertificate = 64 << 10
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

// A xarSignature names the certificates of whoever signed, the signer's first.
type xarSignature struct {
	Certificates []string `xml:"KeyInfo>X509Data>X509Certificate"`
}

// certificate is nil if it cannot be read.
func (s xarSignature) certificate() *Certificate {
	if len(s.Certificates[0]) > maxXarCertificate {
		return nil
	}
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
	limit := min(maxXarTOC, minXarTOC+tocFor*int64(compressed))
	a := &xarArchive{r: r, size: size, heap: headerLength + int64(compressed)}
	// A real table says more about each file than its path.
	toc := &tocReader{archive: a, decoder: xml.NewDecoder(&boundedReader{r: inflate, left: limit}), paths: newBudget(limit)}
	if err := toc.read(); err != nil {
		return nil, fmt.Errorf("the table of contents is damaged: %w", brief(err))
	}
	return a, nil
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
func (a *xarArchive) read(e xarEntry, limit int64, spend *budget) ([]byte, error) {
	cost := int64(xarDocumentCost)
	if strings.Contains(e.style, "bzip2") {
		cost = bzip2Cost
	}
	if err := spend.spend(cost); err != nil {
		return nil, err
	}
	r, err := a.open(e)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(&boundedReader{r: &budgetReader{r, spend}, left: limit})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.path, err)
	}
	return content, nil
}
