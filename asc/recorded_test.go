package asc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDatesOfEveryForm(t *testing.T) {
	for text, want := range map[string]string{
		`"2026-02-07T02:00:38-08:00"`: "2026-02-07T10:00:38Z", `"2026-02-13T18:01:00.033-08:00"`: "2026-02-14T02:01:00.033Z",
		`"2026-02-13T18:01:00.7-0800"`: "2026-02-14T02:01:00.7Z", `"2026-02-07T10:00:38Z"`: "2026-02-07T10:00:38Z",
		`"2026-03-08T01:59:59.5-08:00"`: "2026-03-08T09:59:59.5Z", `"2026-03-08T03:00:00-07:00"`: "2026-03-08T10:00:00Z",
		`"2026-02-07"`: "2026-02-07T00:00:00Z", `null`: "0001-01-01T00:00:00Z", `"soon"`: "0001-01-01T00:00:00Z", `1770000000`: "0001-01-01T00:00:00Z",
	} {
		var d date
		if err := json.Unmarshal([]byte(text), &d); err != nil || d.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %v, %v", text, d, err)
		}
	}
	const digits = "123456789123"
	second := time.Date(2026, 7, 1, 12, 0, 26, 0, time.UTC)
	for n := range len(digits) + 1 {
		fraction, nanos := "", 0
		if n > 0 {
			fraction = "." + digits[:n]
			fmt.Sscanf((digits[:n] + "000000000")[:9], "%d", &nanos)
		}
		for zone, offset := range map[string]time.Duration{"Z": 0, "-07:00": 7 * time.Hour, "-0700": 7 * time.Hour, "+05:30": -330 * time.Minute} {
			var d date
			text := `"2026-07-01T12:00:26` + fraction + zone + `"`
			if err := json.Unmarshal([]byte(text), &d); err != nil || !d.Equal(second.Add(time.Duration(nanos)+offset)) {
				t.Errorf("%s: %v, %v", text, d, err)
			}
		}
	}
}

// The attributes are parts of replies that were recorded in January 2026, or
// one step from them.
func TestFilesAsTheServiceDescribesThem(t *testing.T) {
	for name, c := range map[string]struct {
		attributes string
		want       BuildUploadFile
	}{
		"reserved": {
			`"assetDeliveryState":{"errors":[],"warnings":[],"state":"AWAITING_UPLOAD"},"assetToken":"token.json","assetType":"ASSET","fileName":"app.ipa","fileSize":359,
			 "sourceFileChecksums":{"file":null,"composite":null},"uploadOperations":[{"method":"PUT","url":"https://storage/upload","length":359,"offset":0,
			 "requestHeaders":[{"name":"Content-Type","value":"application/json"}],"expiration":"2026-02-06T01:31:03.779-08:00","partNumber":1,"entityTag":"tag"}],"uti":"com.apple.ipa"`,
			BuildUploadFile{
				ID: "1", AssetType: "ASSET", FileName: "app.ipa", FileSize: 359, UTI: UTIIpa, DeliveryState: FileAwaiting,
				UploadOperations: []UploadOperation{{
					Method: "PUT", URL: "https://storage/upload", Length: 359, PartNumber: 1, EntityTag: "tag",
					Expiration: time.Date(2026, 2, 6, 9, 31, 3, 779e6, time.UTC), Headers: []Header{{"Content-Type", "application/json"}},
				}},
			},
		},
		"committed": {
			`"assetDeliveryState":{"errors":[],"warnings":[],"state":"COMPLETE"},"fileSize":359,"sourceFileChecksums":{"file":null,"composite":{"hash":"hash","algorithm":"MD5"}},"uploadOperations":null`,
			BuildUploadFile{ID: "1", FileSize: 359, DeliveryState: FileComplete, SourceFileChecksums: Checksums{Composite: Checksum{"hash", "MD5"}}},
		},
		"one field":                    {`"assetDeliveryState":{"state":"COMPLETE"}`, BuildUploadFile{ID: "1", DeliveryState: FileComplete}},
		"a checksum of the file":       {`"sourceFileChecksums":{"file":{"hash":"AB","algorithm":"MD5"}}`, BuildUploadFile{ID: "1", SourceFileChecksums: Checksums{File: Checksum{"AB", "MD5"}}}},
		"no checksums":                 {`"sourceFileChecksums":null`, BuildUploadFile{ID: "1"}},
		"checksums of another form":    {`"sourceFileChecksums":[1]`, BuildUploadFile{ID: "1"}},
		"one checksum of another form": {`"sourceFileChecksums":{"file":"x","composite":{"hash":"h","algorithm":null}}`, BuildUploadFile{ID: "1", SourceFileChecksums: Checksums{Composite: Checksum{Hash: "h"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"data":{"type":"buildUploadFiles","id":"1","attributes":{%s}}}`, c.attributes)
			})
			file, err := s.client.BuildUploadFile(t.Context(), "1")
			if len(file.DeliveryErrors)+len(file.DeliveryWarnings) == 0 {
				file.DeliveryErrors, file.DeliveryWarnings = nil, nil
			}
			same := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
			if diff := cmp.Diff(c.want, file, same); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestUnknownAttributesAndValuesAreRead(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "buildUploads") {
			fmt.Fprint(w, `{"data":{"type":"buildUploads","id":"1","attributes":{"state":{"state":"NEW_STATE","errors":[{"code":"1","description":"d","more":{}}],"warnings":null},"platform":"NEW_OS","uploadedDate":null,"new":[1]},
			 "relationships":{"build":{"data":null},"assetFile":{"links":{"related":"x"}},"new":{}},"links":{"self":"x"}},"included":[],"links":{"self":"x"},"jsonapi":{}}`)
			return
		}
		fmt.Fprint(w, `{"data":{"type":"builds","id":"1","attributes":{"version":"42","processingState":"NEW","computedMinRealityOsVersion":"1.0","expired":null,"usesNonExemptEncryption":null},"relationships":{"app":{}},"links":{}}}`)
	})
	upload, err := s.client.BuildUpload(t.Context(), "1")
	if err != nil || upload.State.State != "NEW_STATE" || upload.Platform != "NEW_OS" || upload.BuildID != "" || upload.AssetFile != nil || upload.State.Errors[0].Description != "d" {
		t.Errorf("%+v, %v", upload, err)
	}
	build, err := s.client.Build(t.Context(), "1")
	if err != nil || build.ProcessingState != "NEW" || build.Expired || build.UsesNonExemptEncryption != nil || build.AppID != "" {
		t.Errorf("%+v, %v", build, err)
	}
}
