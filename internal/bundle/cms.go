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
	// maxNesting bounds how deep the objects of a message, or the values of a
	// property list, lie in each other; real ones are about a dozen deep.
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
	out := &Certificate{Name: shorten(c.Subject.CommonName, maxText), Kind: CertificateOther, Expires: c.NotAfter}
	if units := c.Subject.OrganizationalUnit; len(units) > 0 {
		out.Team = shorten(units[0], maxText)
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

var errMessage = errors.New("the signed message is damaged")

// A derObject is an object that others lie in, while those are read.
type derObject struct {
	// end is where it ends, or, of one that does not say its length, where the
	// one around it does.
	end        int
	indefinite bool
	// children is how many of its objects have been read.
	children int
}

// checkNesting refuses messages that are nested deeper than any real one, and
// those whose objects are longer than what they lie in: the library reads what
// is beyond an object's end as part of it, and again as what follows it. It
// goes through the message as the library does.
func checkNesting(der []byte) error {
	open := []derObject{{end: len(der)}}
	indefinite := 0
	for at := 0; ; {
		top := &open[len(open)-1]
		switch {
		case len(open) == 1 && top.children > 0:
			return nil // what follows the message is not read
		case top.indefinite && top.children > 0 && at+2 <= top.end && der[at] == 0 && der[at+1] == 0:
			open, at = open[:len(open)-1], at+2
			continue
		case !top.indefinite && at == top.end:
			open = open[:len(open)-1]
			if len(open) == 0 {
				return errMessage // nothing is in it
			}
			continue
		}
		if top.children++; top.indefinite {
			indefinite++
		}
		object, constructed, start, ok := derHeader(der[:top.end], at)
		switch {
		case !ok:
			return errors.New("the signed message is cut off")
		case indefinite > maxIndefinite:
			return errors.New("the signed message has too many objects without a length")
		case len(open) > maxNesting:
			return errors.New("the signed message is nested too deeply")
		case constructed:
			open, at = append(open, object), start
		default:
			at = object.end
		}
	}
}

// derHeader reads the tag and the length of the object at a place, which ends
// no later than the bytes it is given.
func derHeader(der []byte, at int) (object derObject, constructed bool, start int, ok bool) {
	if at >= len(der) {
		return derObject{}, false, 0, false
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
		return derObject{}, false, 0, false
	}
	constructed = tag&0x20 != 0
	length, start := int(der[at]), at+1
	switch {
	case length == 0x80:
		return derObject{end: len(der), indefinite: true}, true, start, constructed
	case length > 0x80:
		count := length & 0x7f
		if length = 0; count > 4 || count > len(der)-start {
			return derObject{}, false, 0, false
		}
		for _, b := range der[start : start+count] {
			length = length<<8 | int(b)
		}
		start += count
	}
	return derObject{end: start + length}, constructed, start, length <= len(der)-start
}
