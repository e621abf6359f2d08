package sandbox

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ascend-cli/ascend/upload"
)

// A part is one part of a file: where it belongs, and its MD5 once it is there.
type part struct {
	number, offset, length int64
	sum                    string         // upper-case hex, empty until stored
	operation              map[string]any // as replies show it
}

func partKey(fileID string, number int64) string { return fileID + "." + strconv.FormatInt(number, 10) }

// plan cuts a file into parts and hands out their operations, shuffled: the
// service was seen to send the last part first.
func (s *Server) plan(file *resource) {
	size := file.attrs["fileSize"].(int64)
	file.set("_expires", s.options.Now().Add(s.options.OperationLife))
	var numbers []int64
	for offset, number := int64(0), int64(1); offset < size; offset, number = offset+s.options.PartSize, number+1 {
		s.parts[partKey(file.id, number)] = &part{number: number, offset: offset, length: min(s.options.PartSize, size-offset)}
		numbers = append(numbers, number)
	}
	rand.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
	file.set("_parts", numbers)
	s.describeOperations(file)
}

// describeOperations writes the operations of a file, with URLs that work
// until its operations expire.
func (s *Server) describeOperations(file *resource) {
	expires := file.attrs["_expires"].(time.Time)
	operations := []any{}
	for _, number := range file.attrs["_parts"].([]int64) {
		p := s.parts[partKey(file.id, number)]
		p.operation = map[string]any{
			"method": "PUT", "url": s.presign(file.id, number, expires), "partNumber": number, "offset": p.offset, "length": p.length,
			"expiration": expires.Format("2006-01-02T15:04:05.000-07:00"), "entityTag": nil,
			"requestHeaders": []any{map[string]any{"name": "Content-Type", "value": "application/octet-stream"}},
		}
		if p.sum != "" {
			p.operation["entityTag"] = p.sum
		}
		operations = append(operations, p.operation)
	}
	file.set("uploadOperations", operations)
}

// renewOperations hands out fresh URLs for the files whose old ones expired.
func (s *Server) renewOperations(now time.Time) {
	if s.options.KeepExpired {
		return
	}
	for _, file := range s.world.all("buildUploadFiles") {
		if expires := file.attrs["_expires"].(time.Time); file.attrs["uploadOperations"] != nil && !now.Before(expires) {
			file.set("_expires", now.Add(s.options.OperationLife))
			s.describeOperations(file)
		}
	}
}

// presign makes a URL in the form of the real store's, signed over everything
// in it.
func (s *Server) presign(fileID string, number int64, expires time.Time) string {
	signed := expires.Add(-s.options.OperationLife)
	query := fmt.Sprintf("partNumber=%d&uploadId=%s&apple-asset-repo-correlation-key=%s&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=%s&X-Amz-SignedHeaders=host&X-Amz-Credential=SANDBOX%%2F%s%%2Fsandbox-1%%2Fs3%%2Faws4_request&X-Amz-Expires=%d",
		number, fileID, strings.ToUpper(fileID[:8]), signed.UTC().Format("20060102T150405Z"), signed.UTC().Format("20060102"), int64(s.options.OperationLife/time.Second))
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
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", code, text.String())
}

func (s *Server) serveStore(w http.ResponseWriter, r *http.Request) {
	s.observe("store", w, r, s.put)
}

// put takes one part, if the request is exactly the one that was handed out.
func (s *Server) put(w http.ResponseWriter, r *http.Request) {
	query, signature, _ := strings.Cut(r.URL.RawQuery, "&X-Amz-Signature=")
	values, err := url.ParseQuery(query)
	switch {
	case r.Header.Get("Authorization") != "":
		storeError(w, http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
		return
	case r.Method != http.MethodPut:
		storeError(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
		return
	case err != nil || !hmac.Equal([]byte(signature), []byte(s.sign(r.URL.Path, query))):
		storeError(w, http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
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
		storeError(w, http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
		return
	case r.ContentLength < 0:
		storeError(w, http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
		return
	case r.ContentLength != p.length:
		storeError(w, http.StatusBadRequest, "EntityTooLarge", fmt.Sprintf("The part has %d bytes, not %d.", p.length, r.ContentLength))
		return
	}
	s.keep(w, r, fileID, p)
}

func (s *Server) acceptsParts(fileID string) bool {
	file := s.world.get("buildUploadFiles", fileID)
	return file != nil && file.attrs["uploadOperations"] != nil
}

// keep stores the body beside an earlier one and replaces it only when it is
// complete.
func (s *Server) keep(w http.ResponseWriter, r *http.Request, fileID string, p *part) {
	temporary, err := os.CreateTemp(s.dir, "part-")
	if err != nil {
		storeError(w, http.StatusInternalServerError, "InternalError", err.Error())
		return
	}
	defer os.Remove(temporary.Name())
	sum := md5.New()
	_, err = io.CopyBuffer(io.MultiWriter(temporary, sum), io.LimitReader(r.Body, p.length), make([]byte, 64<<10))
	stat, statErr := temporary.Stat()
	if closeErr := temporary.Close(); err != nil || statErr != nil || closeErr != nil || stat.Size() != p.length {
		storeError(w, http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
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

func (s *Server) partPath(fileID string, number int64) string {
	return filepath.Join(s.dir, partKey(fileID, number))
}

func (s *Server) missingParts(file *resource) []int64 {
	var missing []int64
	for _, number := range file.attrs["_parts"].([]int64) {
		if s.parts[partKey(file.id, number)].sum == "" {
			missing = append(missing, number)
		}
	}
	slices.Sort(missing)
	return missing
}

// composite is the composite checksum of a file whose parts are all there.
func (s *Server) composite(file *resource) string {
	count := len(file.attrs["_parts"].([]int64))
	content := make([]upload.Part, count)
	for i := range content {
		p := s.parts[partKey(file.id, int64(i+1))]
		content[i] = upload.Part{Offset: p.offset, Length: p.length, Sum: p.sum}
	}
	return upload.CompositeOf(content).String()
}

func (s *Server) dropParts(file *resource) {
	for _, number := range file.attrs["_parts"].([]int64) {
		_ = os.Remove(s.partPath(file.id, number)) // it may never have arrived
		delete(s.parts, partKey(file.id, number))
	}
}

// reader reads a file across its parts.
func (s *Server) reader(file *resource) io.ReaderAt {
	return &partsReader{server: s, file: file}
}

type partsReader struct {
	server *Server
	file   *resource
}

func (p *partsReader) ReadAt(b []byte, offset int64) (int, error) {
	size := p.file.attrs["fileSize"].(int64)
	read := 0
	for read < len(b) {
		at := offset + int64(read)
		if at >= size {
			return read, io.EOF
		}
		number := at/p.server.options.PartSize + 1
		stored, err := os.Open(p.server.partPath(p.file.id, number))
		if err != nil {
			return read, err
		}
		n, err := stored.ReadAt(b[read:], at-(number-1)*p.server.options.PartSize)
		stored.Close()
		read += n
		if err != nil && err != io.EOF {
			return read, err
		}
		if n == 0 {
			return read, io.ErrUnexpectedEOF
		}
	}
	return read, nil
}

// Object returns the SHA-256 of what was stored for a build upload's package,
// in hex, and whether all of it is there.
func (s *Server) Object(buildUploadID string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	upload := s.world.get("buildUploads", buildUploadID)
	if upload == nil {
		return "", false
	}
	file := s.world.get("buildUploadFiles", upload.one["assetFile"])
	if file == nil || len(s.missingParts(file)) > 0 {
		return "", false
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(s.reader(file), 0, file.attrs["fileSize"].(int64))); err != nil {
		return "", false
	}
	return hex.EncodeToString(sum.Sum(nil)), true
}

// Committed lists the build uploads whose package was committed.
func (s *Server) Committed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, upload := range s.world.all("buildUploads") {
		if uploadState(upload) != stateAwaiting {
			ids = append(ids, upload.id)
		}
	}
	return ids
}
