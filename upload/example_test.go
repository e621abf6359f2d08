package upload_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/ascend-cli/ascend/upload"
)

// Example sends a file in two parts, at the same time. The operations are those
// that a build upload file hands out; the server stands in for the object
// store.
func Example() {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		part, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("ETag", fmt.Sprintf(`"%X"`, md5.Sum(part)))
	}))
	defer store.Close()

	content := []byte("a package in two parts")
	operations := []upload.Operation{
		{Method: "PUT", URL: store.URL + "/?partNumber=2", Offset: 11, Length: 11},
		{Method: "PUT", URL: store.URL + "/?partNumber=1", Offset: 0, Length: 11},
	}
	result, err := upload.Upload(context.Background(), bytes.NewReader(content), int64(len(content)), operations, upload.Options{})
	fmt.Println(result.Parts, result.Verified, err)
	// Output: 2 true <nil>
}
