package sandbox

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// presign makes a URL in the form of the real store's, signed over everything
// in it.
func (s *Server) presign(fileID string, number int64, expires time.Time) string {
	signed := expires.Add(-s.options.OperationLife).UTC()
	query := fmt.Sprintf("partNumber=%d&uploadId=%s", number, fileID)
	query += "&apple-asset-repo-correlation-key=" + strings.ToUpper(fileID[:8])
	query += "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=" + signed.Format("20060102T150405Z")
	query += "&X-Amz-SignedHeaders=host"
	query += fmt.Sprintf("&X-Amz-Credential=SANDBOX%%2F%s%%2Fsandbox-1%%2Fs3%%2Faws4_request", signed.Format("20060102"))
	query += fmt.Sprintf("&X-Amz-Expires=%d", int64(s.options.OperationLife/time.Second))
	path := "/sandbox-bucket/PurpleSource/v4/" + fileID
	// Lives shorter than a second do not fit into the query.
	query += "&x-sandbox-until=" + strconv.FormatInt(expires.UnixMilli(), 10)
	return s.storeURL + path + "?" + query + "&X-Amz-Signature=" + s.sign(path, query)
}

func (s *Server) sign(path, query string) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte("PUT\n" + path + "\n" + query))
	return hex.EncodeToString(mac.Sum(nil))
}

// storeError answers as S3 does.
func storeError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
	var text strings.Builder
	_ = xml.EscapeText(&text, []byte(message)) // a builder does not fail
	fmt.Fprintln(w, `<?xml version="1.0" encoding="UTF-8"?>`)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, text.String())
}

func (s *Server) serveStore(w http.ResponseWriter, r *http.Request) {
	s.observe("store", w, r, s.takePart)
}

// takePart takes one part, if the request is exactly its upload operation.
func (s *Server) takePart(w http.ResponseWriter, r *http.Request) {
	query, signature, _ := strings.Cut(r.URL.RawQuery, "&X-Amz-Signature=")
	values, err := url.ParseQuery(query)
	switch {
	case r.Header.Get("Authorization") != "":
		storeError(w, http.StatusBadRequest, "InvalidArgument",
			"Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "+
				"Signature query string parameter or the Authorization header should be specified")
		return
	case r.Method != http.MethodPut:
		storeError(w, http.StatusMethodNotAllowed, "MethodNotAllowed",
			"The specified method is not allowed against this resource.")
		return
	case err != nil || !hmac.Equal([]byte(signature), []byte(s.sign(r.URL.Path, query))):
		storeError(w, http.StatusForbidden, "SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you provided. Check your key and signing method.")
		return
	}
	if until, _ := strconv.ParseInt(values.Get("x-sandbox-until"), 10, 64); s.options.Now().UnixMilli() >= until {
		storeError(w, http.StatusForbidden, "AccessDenied", "Request has expired")
		return
	}
	number, _ := strconv.ParseInt(values.Get("partNumber"), 10, 64)
	fileID := values.Get("uploadId")
	s.mu.Lock()
	p := s.parts[partKey(fileID, number)]
	open := p != nil && s.acceptsParts(fileID)
	s.mu.Unlock()
	switch {
	case !open:
		storeError(w, http.StatusNotFound, "NoSuchUpload",
			"The specified upload does not exist. "+
				"The upload ID may be invalid, or the upload may have been aborted or completed.")
		return
	case r.ContentLength < 0:
		storeError(w, http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
		return
	case r.ContentLength != p.length:
		storeError(w, http.StatusBadRequest, "EntityTooLarge",
			fmt.Sprintf("The part has %d bytes, not %d.", p.length, r.ContentLength))
		return
	}
	s.storePart(w, r, fileID, p)
}

func (s *Server) acceptsParts(fileID string) bool {
	file := s.db.get("buildUploadFiles", fileID)
	return file != nil && file.attrs["uploadOperations"] != nil
}

// storePart stores the body beside an earlier one and replaces that only when
// it is complete.
func (s *Server) storePart(w http.ResponseWriter, r *http.Request, fileID string, p *part) {
	temporary, err := os.CreateTemp(s.dir, "part-")
	if err != nil {
		storeError(w, http.StatusInternalServerError, "InternalError", err.Error())
		return
	}
	defer os.Remove(temporary.Name())
	sum := md5.New()
	body := io.LimitReader(r.Body, p.length)
	_, err = io.CopyBuffer(io.MultiWriter(temporary, sum), body, make([]byte, 64<<10))
	stat, statErr := temporary.Stat()
	if closeErr := temporary.Close(); err != nil || statErr != nil || closeErr != nil || stat.Size() != p.length {
		storeError(w, http.StatusBadRequest, "IncompleteBody",
			"You did not provide the number of bytes specified by the Content-Length HTTP header")
		return
	}
	tag := strings.ToUpper(hex.EncodeToString(sum.Sum(nil)))
	s.mu.Lock()
	open := s.acceptsParts(fileID)
	if open {
		err = os.Rename(temporary.Name(), s.partPath(fileID, p.number))
		if err == nil {
			p.sum = tag
			p.operation["entityTag"] = tag
		}
	}
	s.mu.Unlock()
	if err != nil || !open {
		storeError(w, http.StatusInternalServerError, "InternalError", "The part could not be stored.")
		return
	}
	w.Header().Set("ETag", `"`+tag+`"`)
	w.WriteHeader(http.StatusOK)
}
