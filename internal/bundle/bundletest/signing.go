package bundletest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"math/big"
	"slices"
	"time"

	"github.com/smallstep/pkcs7"
)

// testKey signs everything here: packages are to be the same every time. It is
// nobody's.
const testKey = "" +
	"MIIEowIBAAKCAQEArWHMVi1KXOc85DsIiTLso+Mo1u6BN/46hZelFBuFGt7sqKKweObMrCjwQAy2qACRAutvweHEj5Nm1LtzV+Pj" +
	"nIxNdt3hYUs9oKHw+HZwuFC9N7BW4idStyLer0j7FWn7NojkWCJUwJVZ+C+BxPa+Jlh11bSJJFshuDN0iMsCPfN5FZ9ADKTbcrNX" +
	"PgyTE/7rD8z5gzT1lxqtZiYd78uWUW3w6xphpcwbkL1LGEhxr+z83B5PyWsmPBepvc9trR2gg4bgfKGw0EaHZL16SU+A5J30/K/G" +
	"3AHtK/jZCyeDgs/Ht5E9zkf6G6gJFINqNV76kq3mcfXxXNvx0avIwgIZ4wIDAQABAoIBAFRoa8O6idzfwH+2E6pDjfwdb3jvpR3+" +
	"2TvHf1jiKvNRevKAPZymdBcOWSQ9bEEvAWnj98TyZjClyKahWX581gcVMPNBAuPMbwTAQiGb+7VnrS6q3Sl9jmHVCodYZtBeh6vd" +
	"ihk0IYGeVC4k5q7eluTxJPC00x1NdoWIG2ArQPyqOQiMLcf7bdLORWvKU1sHAUvN8L6by0Epnepqqr9DW5bzS2zUsmJj7mJ67bJk" +
	"P7KPgaT3mVmQ21SQpn8N8Kz74YbwCo/vP9sLKALdOTEh0FDAmqXAcEuT9ysbbfTZsMHSNgc7w5Dw+Q4MZJ/Y7kknEwo3rViEAInS" +
	"4ez3zWEPfXUCgYEA54rZu53irRibAbTZwlW/0VFMqlnoJrPJvtCs1fPrg7klpCCCPhTGhxkugvIzv4PlsgVC+Pyer3lh8RXYtU6F" +
	"ftEVILxcMO2zfgsHHoLfbukUQXtipH2EQ/vzhuiyjb9MTgD+irsI3YnrCMvdtgJBhBFd2eMgoY2sof1pO+/ZnbcCgYEAv7I6+kFb" +
	"2CrkEelnlgjyvY+6rFYKM1dInFtWYHXyan3xCg2ksLXqjc7ddO2twFLD51h+YcuOr7F+wzSjwujEDqiEuqTofpxnLbayck2GT/YI" +
	"xvrQwjJsMgHNszgUXauksdr8ejzZXPegqf66gh59xhb+M+29HamhazcYENsfJTUCgYAXbk2qVsfhjGPjQFHpAJRwsjF367E6eWcp" +
	"ECTtYcmrgsj0WvXTIncUpM+4IJpr/wT3huDIIYhNaZMnunY7or6PnsjsjyMlMGjBkIwf4k6KArwyBDJvQuRnnM+AD3xCK+Gk4yTf" +
	"FR5IjPRj532ANao7myZMLlfXAWc+3U4Q6qyy8QKBgCmm8GmwCeTObP/3VyqihxvpPwZzK4Q8Uuqmbf5HooTBGL62eDJtVKm7aSMf" +
	"AcHoOejqsYtOT5KdXo3Lwkl3iiIlO7HSYzIficvFBsEPVz/Ild+mX/XSPvAetDNc3A/+W6rJilKFJjWtGJvXXW8ocOu500I1RgJL" +
	"+Wbycag39GyBAoGBAOTasVvV65TWStykaP1ybIMvDxdWTEF31QACYcrHIpp3mpPqXjiUcSWUB3YE8hefD6vDPIxe2RwXiVfPMVJD" +
	"aE1iru3NQTCNzaMjRlnXashnqwlYSws7Kt2fNV9wLMuPuecHsSZajzJT9eXGSmfZ93ihNtmHR01eks1nSUrTHiK1"

// An Identity is whose certificate a signature has.
type Identity struct {
	// Name is the certificate's common name, with which its kind begins.
	Name    string
	Team    string
	Expires time.Time
}

// DistributionIdentity is the identity of a clean package.
func DistributionIdentity() Identity {
	return Identity{"Apple Distribution: Example (ABCDE12345)", Team, farAway()}
}

// Team is the team of a clean package.
const Team = "ABCDE12345"

func farAway() time.Time { return time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC) }

func key() *rsa.PrivateKey {
	der, err := base64.StdEncoding.DecodeString(testKey)
	if err != nil {
		panic(err)
	}
	k, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		panic(err)
	}
	return k
}

func (i Identity) certificate() *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: i.Name, OrganizationalUnit: []string{i.Team}},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: i.Expires, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	k := key()
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		panic(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return c
}

// CMS signs content.
func CMS(content []byte, by Identity, detached bool) []byte {
	signed, err := pkcs7.NewSignedData(content)
	if err != nil {
		panic(err)
	}
	signed.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if err := signed.SignWithoutAttr(by.certificate(), key(), pkcs7.SignerInfoConfig{}); err != nil {
		panic(err)
	}
	if detached {
		signed.Detach()
	}
	message, err := signed.Finish()
	if err != nil {
		panic(err)
	}
	return message
}

// Profile returns a provisioning profile, whose property list has these keys.
func Profile(list Plist) []byte { return CMS(list.Encode(XML), DistributionIdentity(), false) }

// StoreProfile is the list of a profile for the App Store.
func StoreProfile(bundleID string) Plist {
	return Plist{
		"Name": "Demo App Store", "UUID": "98264c6b-5151-4349-8d0f-66691e48ae35", "TeamName": "Example", "TeamIdentifier": []string{Team},
		"Platform": []string{"iOS"}, "CreationDate": time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), "ExpirationDate": farAway(),
		"Entitlements": map[string]any{
			"application-identifier": Team + "." + bundleID, "com.apple.developer.team-identifier": Team, "get-task-allow": false, "beta-reports-active": true,
			"keychain-access-groups": []string{Team + ".*"},
		},
	}
}

// A Signing is the code signature of a program.
type Signing struct {
	Identifier, Team string
	By               Identity
	AdHoc            bool
	Entitlements     Plist
}

// encode makes the blobs of a signature: a directory, entitlements, and the
// signed message.
func (s Signing) encode() []byte {
	directory := make([]byte, 88)
	binary.BigEndian.PutUint32(directory[8:], 0x20400)
	if s.AdHoc {
		binary.BigEndian.PutUint32(directory[12:], 2)
	}
	binary.BigEndian.PutUint32(directory[20:], uint32(len(directory)))
	directory = append(directory, s.Identifier+"\x00"...)
	if s.Team != "" {
		binary.BigEndian.PutUint32(directory[48:], uint32(len(directory)))
		directory = append(directory, s.Team+"\x00"...)
	}
	blobs := []struct {
		slot, magic uint32
		content     []byte
	}{{0, 0xfade0c02, directory[8:]}}
	if s.Entitlements != nil {
		blobs = append(blobs, struct {
			slot, magic uint32
			content     []byte
		}{5, 0xfade7171, s.Entitlements.Encode(XML)})
	}
	if !s.AdHoc {
		blobs = append(blobs, struct {
			slot, magic uint32
			content     []byte
		}{0x10000, 0xfade0b01, CMS(directory, s.By, true)})
	}
	head := binary.BigEndian.AppendUint32(nil, 0xfade0cc0)
	var body []byte
	start := 12 + 8*len(blobs)
	head = binary.BigEndian.AppendUint32(head, 0)
	head = binary.BigEndian.AppendUint32(head, uint32(len(blobs)))
	for _, b := range blobs {
		head = binary.BigEndian.AppendUint32(head, b.slot)
		head = binary.BigEndian.AppendUint32(head, uint32(start+len(body)))
		body = binary.BigEndian.AppendUint32(body, b.magic)
		body = binary.BigEndian.AppendUint32(body, uint32(8+len(b.content)))
		body = append(body, b.content...)
	}
	out := slices.Concat(head, body)
	binary.BigEndian.PutUint32(out[4:], uint32(len(out)))
	return out
}
