package sandbox_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

func TestFaultRulesAreReadStrictly(t *testing.T) {
	f, err := sandbox.ParseFault("on=store method=put path=/a/* part=3-5 nth=2 do=status status=503 code=SlowDown retry-after=2 after=50%")
	if err != nil || f.On != "store" || f.Method != "PUT" || f.Part != (sandbox.Span{First: 3, Last: 5}) || f.Nth != (sandbox.Span{First: 2, Last: 2}) || f.After.Percent != 50 || f.Do != sandbox.FaultStatus {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err = sandbox.ParseFault("status=500"); err != nil || f.Do != sandbox.FaultStatus {
		t.Errorf("%+v, %v", f, err)
	}
	for _, text := range []string{
		"", "do", "do=", "do=explode", "status=99", "do=status", "on=moon do=reset", "part=0 do=reset", "part=5-3 do=reset", "nth=x do=reset", "colour=red do=reset",
		"do=slow", "do=down", "do=wait", "after=101% do=reset", "after=-1 do=reset", "after=NaN% do=reset", "chance=0 do=reset", "chance=NaN do=reset", "path=[ do=reset", "for=soon do=stall",
	} {
		if f, err := sandbox.ParseFault(text); err == nil {
			t.Errorf("%q was taken as %+v", text, f)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	f.Add("on=store part=3-5 nth=2 do=reset after=50%")
	f.Add("status=503 code=SlowDown retry-after=2 every=10 connection-every=3 chance=0.5 for=2s rate=10")
	f.Fuzz(func(t *testing.T, text string) {
		if fault, err := sandbox.ParseFault(text); err == nil && fault.Do == "" {
			t.Errorf("%q has no action", text)
		}
	})
}

// broken starts a server with faults.
func broken(t *testing.T, rules ...string) *session {
	return start(t, func(o *sandbox.Options) {
		for _, text := range rules {
			fault, err := sandbox.ParseFault(text)
			if err != nil {
				t.Fatal(err)
			}
			o.Faults = append(o.Faults, fault)
		}
	})
}

func TestFaultsStrikeWhereTheRuleSays(t *testing.T) {
	v := broken(t, "on=store part=2 nth=1 status=503 code=SlowDown", "on=store part=2 nth=2 do=wrong-etag", "on=store part=2 nth=3 do=no-etag")
	r := v.reserve("1.0", "7", make([]byte, 2500))
	for _, op := range r.operations {
		for attempt := 1; attempt <= 4; attempt++ {
			status, code, tag := v.put(op, make([]byte, op.Length), nil)
			switch {
			case op.PartNumber == 2 && attempt == 1:
				if status != 503 || code != "SlowDown" {
					t.Errorf("part 2, attempt 1: %d %s", status, code)
				}
			case op.PartNumber == 2 && attempt == 2:
				if status != 200 || strings.Trim(tag, `"0`) != "" {
					t.Errorf("part 2, attempt 2: %d %s", status, tag)
				}
			case op.PartNumber == 2 && attempt == 3:
				if status != 200 || tag != "" {
					t.Errorf("part 2, attempt 3: %d %s", status, tag)
				}
			case status != 200:
				t.Errorf("part %d, attempt %d: %d", op.PartNumber, attempt, status)
			}
		}
	}
}

func TestALostReplyTakesEffect(t *testing.T) {
	v := broken(t, "on=api method=POST path=/v1/buildUploads nth=1 do=lose")
	req, err := http.NewRequestWithContext(t.Context(), "POST", v.server.URL()+"/v1/buildUploads", strings.NewReader(upload("1.0", "7", appID)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+v.goodToken())
	req.Header.Set("Content-Type", "application/json")
	if resp, err := v.client.Do(req); err == nil {
		resp.Body.Close()
		t.Fatalf("there was a reply: %d", resp.StatusCode)
	}
	if ids := v.must(200, "GET", "/v1/apps/"+appID+"/buildUploads", "").ids(t); len(ids) != 1 {
		t.Errorf("%v", ids)
	}
}

func TestAServerThatIsDownResetsConnectionsForAWhile(t *testing.T) {
	v := broken(t, "on=api nth=2 do=down for=50ms", "on=store do=refuse nth=1")
	v.must(200, "GET", "/v1/apps", "")
	down := 0
	for t.Context().Err() == nil {
		req, err := http.NewRequestWithContext(t.Context(), "GET", v.server.URL()+"/v1/apps", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+v.goodToken())
		resp, err := v.client.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			break
		}
		down++
	}
	if down == 0 {
		t.Error("it was never down")
	}
	v.must(200, "GET", "/v1/apps", "")
	if _, err := v.client.Get(v.server.StoreURL()); err == nil {
		t.Error("the first connection was not refused")
	}
	resp, err := v.client.Get(v.server.StoreURL())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestTLSNeedsTheServersCertificate(t *testing.T) {
	v := start(t, func(o *sandbox.Options) { o.TLS = true })
	var unknown *tls.CertificateVerificationError
	if _, err := v.client.Get(v.server.URL() + "/v1/apps"); !errors.As(err, &unknown) {
		t.Errorf("%v without the certificate", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(v.server.CertificatePEM()) {
		t.Fatal("no certificate")
	}
	v.client.CloseIdleConnections()
	v.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	v.must(200, "GET", "/v1/apps", "")
	r := v.reserve("1.0", "7", make([]byte, 2500))
	v.send(r)
}

func TestALinkCarriesEverything(t *testing.T) {
	v := start(t, func(o *sandbox.Options) {
		o.PartSize = 200_000
		o.Link = sandbox.Link{RoundTrip: 40 * time.Millisecond, PerConnection: 2_000_000}
	})
	r := v.reserve("1.0", "7", make([]byte, 200_000))
	v.send(r)
	if _, whole := v.server.Object(r.uploadID); !whole {
		t.Error("something is missing")
	}
}
