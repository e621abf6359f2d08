package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

// planParts divides a file into parts and makes their upload operations, in
// random order: the service was seen to send the last part first.
func (s *Server) planParts(file *resource) {
	size := file.attrs["fileSize"].(int64)
	file.expiresAt = s.options.Now().Add(s.options.OperationLife)
	var numbers []int64
	for offset := int64(0); offset < size; offset += s.options.PartSize {
		number := offset/s.options.PartSize + 1
		length := min(s.options.PartSize, size-offset)
		s.parts[partKey(file.id, number)] = &part{number: number, offset: offset, length: length}
		numbers = append(numbers, number)
	}
	rand.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
	file.parts = numbers
	s.describeOperations(file)
}

// describeOperations writes the operations of a file, with URLs that work
// until its operations expire.
func (s *Server) describeOperations(file *resource) {
	operations := []any{}
	for _, number := range file.parts {
		p := s.parts[partKey(file.id, number)]
		p.operation = map[string]any{
			"method": "PUT", "url": s.presign(file.id, number, file.expiresAt), "partNumber": number,
			"offset": p.offset, "length": p.length, "expiration": stamp(file.expiresAt), "entityTag": nil,
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
	for _, file := range s.db.all("buildUploadFiles") {
		if file.attrs["uploadOperations"] != nil && !now.Before(file.expiresAt) {
			file.expiresAt = now.Add(s.options.OperationLife)
			s.describeOperations(file)
		}
	}
}

func (s *Server) partPath(fileID string, number int64) string {
	return filepath.Join(s.dir, partKey(fileID, number))
}

func (s *Server) missingParts(file *resource) []int64 {
	var missing []int64
	for _, number := range file.parts {
		if s.parts[partKey(file.id, number)].sum == "" {
			missing = append(missing, number)
		}
	}
	slices.Sort(missing)
	return missing
}

// composite is the composite checksum of a file whose parts are all there.
func (s *Server) composite(file *resource) string {
	count := len(file.parts)
	content := make([]upload.Part, count)
	for i := range content {
		p := s.parts[partKey(file.id, int64(i+1))]
		content[i] = upload.Part{Offset: p.offset, Length: p.length, Sum: p.sum}
	}
	return upload.CompositeOf(content).String()
}

func (s *Server) dropParts(file *resource) {
	for _, number := range file.parts {
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
	upload := s.db.get("buildUploads", buildUploadID)
	if upload == nil {
		return "", false
	}
	file := s.db.get("buildUploadFiles", upload.one["assetFile"])
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
	for _, upload := range s.db.all("buildUploads") {
		if uploadState(upload) != stateAwaiting {
			ids = append(ids, upload.id)
		}
	}
	return ids
}
