package bundle

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/smallstep/pkcs7"
)

const (
	// maxCMS bounds a signed message, in bytes. Profiles and signatures have
	// some ten KiB; the devices of an ad hoc profile add some more.
	maxCMS = 512 << 10
	// maxNesting bounds how deep the objects of a message lie in each other;
	// real ones are about a dozen deep.
	maxNesting = 64
	// maxIndefinite bounds how many objects lie in others that do not say their
	// length, in all: after each the library searches all that follows for an
	// end. Real ones have some ten.
	maxIndefinite = 256
)

// A CertificateKind says what a certificate may sign.
type CertificateKind string

// The kinds of certificate, by the names that Apple gives them.
const (
	CertificateDistribution CertificateKind = "distribution"
	CertificateDevelopment  CertificateKind = "development"
	CertificateDeveloperID  CertificateKind = "developer-id"
	CertificateInstaller    CertificateKind = "installer"
	CertificateAppStore     CertificateKind = "app-store" // Apple's own, on apps from the store
	CertificateOther        CertificateKind = "other"
)

// A Certificate is whom a signature or a profile names.
type Certificate struct {
	Name    string          `json:"name"`
	Kind    CertificateKind `json:"kind"`
	Team    string          `json:"team"`
	Expires time.Time       `json:"expires"`
}

// certificatePrefixes map the common names of Apple's certificates to kinds.
var certificatePrefixes = []struct {
	prefix string
	kind   CertificateKind
}{
	{"Apple Distribution:", CertificateDistribution}, {"iPhone Distribution:", CertificateDistribution},
	{"3rd Party Mac Developer Application:", CertificateDistribution}, {"Mac App Distribution:", CertificateDistribution},
	{"Apple Development:", CertificateDevelopment}, {"iPhone Developer:", CertificateDevelopment}, {"Mac Developer:", CertificateDevelopment},
	{"Developer ID Application:", CertificateDeveloperID}, {"Developer ID Installer:", CertificateDeveloperID},
	{"3rd Party Mac Developer Installer:", CertificateInstaller}, {"Mac Installer Distribution:", CertificateInstaller},
	{"Apple iPhone OS Application Signing", CertificateAppStore}, {"Apple Mac OS Application Signing", CertificateAppStore},
}

func describeCertificate(c *x509.Certificate) *Certificate {
	out := &Certificate{Name: c.Subject.CommonName, Kind: CertificateOther, Expires: c.NotAfter}
	if units := c.Subject.OrganizationalUnit; len(units) > 0 {
		out.Team = units[0]
	}
	for _, p := range certificatePrefixes {
		if strings.HasPrefix(out.Name, p.prefix) {
			out.Kind = p.kind
		}
	}
	return out
}

// parseCMS reads a signed message: its content, and who signed it. Whether the
// signature is good is Apple's to say.
func parseCMS(message []byte) (content []byte, signer *Certificate, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not a signed message: %s", clip(fmt.Sprint(r)))
		}
	}()
	if len(message) > maxCMS {
		return nil, nil, errors.New("the signed message is larger than it may be")
	}
	if err := checkNesting(message); err != nil {
		return nil, nil, err
	}
	parsed, err := pkcs7.Parse(message)
	if err != nil {
		return nil, nil, fmt.Errorf("not a signed message: %w", brief(err))
	}
	if c := parsed.GetOnlySigner(); c != nil {
		signer = describeCertificate(c)
	}
	return parsed.Content, signer, nil
}

// checkNesting refuses messages that are nested deeper than any real one: the
// time and stack that the library takes grow with the depth.
func checkNesting(der []byte) error {
	// ends has where each open object ends, -1 for one that says it at its end.
	var ends []int
	indefinite := 0
	for at := 0; at < len(der); {
		for len(ends) > 0 && ends[len(ends)-1] == at {
			ends = ends[:len(ends)-1]
		}
		if len(ends) > 0 && ends[len(ends)-1] == -1 {
			if indefinite++; indefinite > maxIndefinite {
				return errors.New("the signed message has too many objects without a length")
			}
		}
		tag := der[at]
		at++
		if tag&0x1f == 0x1f { // a long tag
			for at < len(der) && der[at]&0x80 != 0 {
				at++
			}
			at++
		}
		if at >= len(der) {
			return nil // cut off, which the library says better
		}
		length, start := int(der[at]), at+1
		switch {
		case length == 0x80:
			length = -1
		case length > 0x80:
			count := length & 0x7f
			if length = 0; count > 4 || start+count > len(der) {
				return errors.New("the signed message is damaged")
			}
			for _, b := range der[start : start+count] {
				length = length<<8 | int(b)
			}
			start += count
		}
		if at = start; tag == 0 && length == 0 && len(ends) > 0 && ends[len(ends)-1] == -1 {
			ends = ends[:len(ends)-1]
			continue
		}
		if length > len(der)-start {
			return errors.New("the signed message is cut off")
		}
		switch {
		case tag&0x20 == 0 && length >= 0:
			at += length
		case length < 0:
			ends = append(ends, -1)
		default:
			ends = append(ends, start+length)
		}
		if len(ends) > maxNesting {
			return errors.New("the signed message is nested too deeply")
		}
	}
	return nil
}
