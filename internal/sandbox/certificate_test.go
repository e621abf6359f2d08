package sandbox

import (
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"testing"
)

// TestTheCertificateIsForTheAddresses has addresses of one and of all hosts.
func TestTheCertificateIsForTheAddresses(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "0.0.0.0:0", ":0"} {
		server, err := Start(Options{Addr: addr, StoreAddr: addr, TLS: true})
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(server.CertificatePEM())
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range []string{server.URL(), server.StoreURL()} {
			u, err := url.Parse(address)
			if err != nil || u.Port() == "" || u.Port() == "0" {
				t.Fatalf("%v: %s", err, address)
			}
			if err := certificate.VerifyHostname(u.Hostname()); err != nil {
				t.Errorf("%s for %s: %v", address, addr, err)
			}
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}
}
