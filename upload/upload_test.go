package upload

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/time/rate"

	"github.com/ascend-cli/ascend/internal/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is an object store that a test can make fail.
type store struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	object []byte
	// tries counts the requests per part, by offset; alive those under way.
	tries       map[int64]int
	alive, most int
	protocols   map[string]bool
	// fault, if set, may answer instead; it returns true if it did.
	fault func(w http.ResponseWriter, r *http.Request, offset int64, try int) bool
	slept []time.Duration
	now   time.Time
	// quit ends handlers that hang: a request whose body is not read does not
	// learn that its client is gone.
	quit chan struct{}
	// transport leads to it; the default if nil.
	transport http.RoundTripper
}

func newStore(t *testing.T, size int) *store {
	s := &store{t: t, object: make([]byte, size), tries: map[int64]int{}, protocols: map[string]bool{}, now: time.Unix(1e9, 0), quit: make(chan struct{})}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.put))
	return s.open()
}

// newBubbleStore is one for a bubble of testing/synctest, on a network that
// stands still with its time.
func newBubbleStore(t *testing.T, size int) *store {
	s := &store{t: t, object: make([]byte, size), tries: map[int64]int{}, protocols: map[string]bool{}, now: time.Now(), quit: make(chan struct{})}
	network := &memnet.Network{}
	s.Server = &httptest.Server{Listener: network.Listen(), Config: &http.Server{Handler: http.HandlerFunc(s.put)}}
	transport := NewTransport(nil)
	transport.Dial = network.DialContext
	t.Cleanup(transport.CloseIdleConnections)
	s.transport = transport
	return s.open()
}

func (s *store) open() *store {
	s.Start()
	s.t.Cleanup(s.Close)
	s.t.Cleanup(func() { close(s.quit) })
	return s
}

func (s *store) put(w http.ResponseWriter, r *http.Request) {
	offset, _ := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64)
	s.mu.Lock()
	s.tries[offset]++
	try := s.tries[offset]
	s.alive++
	s.most = max(s.most, s.alive)
	s.protocols[r.Proto] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.alive--
		s.mu.Unlock()
	}()
	if r.Header.Get("Authorization") != "" {
		s.t.Error("a token was sent to the store")
	}
	if s.fault != nil && s.fault(w, r, offset, try) {
		return
	}
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	sum := md5.Sum(content)
	s.mu.Lock()
	copy(s.object[offset:], content)
	s.mu.Unlock()
	w.Header().Set("ETag", `"`+strings.ToUpper(hex.EncodeToString(sum[:]))+`"`)
}

func (s *store) operations(size, part int64, generation string) []Operation {
	var ops []Operation
	for offset := int64(0); offset < size; offset += part {
		ops = append(ops, Operation{
			Method: "PUT", URL: fmt.Sprintf("%s/object?offset=%d&generation=%s", s.URL, offset, generation), Offset: offset, Length: min(part, size-offset),
			Headers: []Header{{"Content-Type", "application/octet-stream"}},
		})
	}
	rand.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
	return ops
}

func (s *store) options() Options {
	return Options{
		Now: func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now },
		Sleep: func(ctx context.Context, d time.Duration) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.slept = append(s.slept, d)
			s.now = s.now.Add(d)
			return ctx.Err()
		},
		Transport: s.transport,
	}
}

func content(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func TestPartsArriveWholeAndInParallel(t *testing.T) {
	const size, part = 1<<20 + 17, 64 << 10
	file := content(size)
	s := newStore(t, size)
	gate := make(chan struct{})
	var once sync.Once
	s.fault = func(http.ResponseWriter, *http.Request, int64, int) bool {
		s.mu.Lock()
		full := s.alive == 4
		s.mu.Unlock()
		if full {
			once.Do(func() { close(gate) })
		}
		<-gate // four must be under way at once for any to go on
		return false
	}
	options := s.options()
	options.Pool = NewPool(4, 0)
	options.StallTimeout, options.ReplyTimeout = time.Minute, time.Minute
	result, err := Upload(t.Context(), bytes.NewReader(file), size, s.operations(size, part, "1"), options)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.object, file) {
		t.Error("the object differs from the file")
	}
	if result.Parts != 17 || result.Retries != 0 || result.Sent != size || !result.Verified {
		t.Errorf("%+v", result)
	}
	if s.most != 4 {
		t.Errorf("%d parts in flight, want 4", s.most)
	}
	if len(s.protocols) != 1 || !s.protocols["HTTP/1.1"] {
		t.Errorf("protocols %v", s.protocols)
	}
	for i, p := range result.Content {
		end := min((i+1)*part, size)
		if want := md5.Sum(file[i*part : end]); p.Sum != hex.EncodeToString(want[:]) || p.Offset != int64(i*part) || p.Length != int64(end-i*part) {
			t.Errorf("part %d: %+v", i, p)
		}
	}
	if err := Check(t.Context(), bytes.NewReader(file), result.Content); err != nil {
		t.Errorf("the file is not what was sent: %v", err)
	}
	file[size-1]++
	if err := Check(t.Context(), bytes.NewReader(file), result.Content); !errors.Is(err, ErrFileChanged) {
		t.Errorf("%v for a file that changed", err)
	}
	if err := Check(t.Context(), bytes.NewReader(file[:size-1]), result.Content); !errors.Is(err, ErrFileChanged) {
		t.Errorf("%v for a file that shrank", err)
	}
}

func TestEachFailureRepeatsOnlyItsPart(t *testing.T) {
	const size, part, bad = 200 << 10, 64 << 10, 64 << 10
	refuse := func(status int, code string, header ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body)
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			if code != "" {
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
			}
			return true
		}
	}
	hijack := func(w http.ResponseWriter) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			conn.Close()
		}
	}
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"500":                       refuse(500, ""),
		"502 with HTML":             refuse(502, ""),
		"503 SlowDown":              refuse(503, "SlowDown"),
		"503 with Retry-After":      refuse(503, "", "Retry-After", "7"),
		"504":                       refuse(504, ""),
		"429":                       refuse(429, ""),
		"408":                       refuse(408, ""),
		"400 RequestTimeout":        refuse(400, "RequestTimeout"),
		"an ETag of something else": refuse(200, "", "ETag", `"00000000000000000000000000000000"`),
		"closed before the body":    func(w http.ResponseWriter, _ *http.Request) bool { hijack(w); return true },
		"closed in the middle": func(w http.ResponseWriter, r *http.Request) bool {
			_, _ = io.CopyN(io.Discard, r.Body, 1<<10)
			hijack(w)
			return true
		},
		"closed after the body": func(w http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body)
			hijack(w)
			return true
		},
		"no reply after the body": func(w http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return true
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			file := content(size)
			s := newBubbleStore(t, size)
			s.fault = func(w http.ResponseWriter, r *http.Request, offset int64, try int) bool {
				return offset == bad && try <= 2 && fault(w, r)
			}
			var progress int64
			watch := &watcher{}
			options := s.options()
			options.Observer = watch
			result, err := Upload(t.Context(), bytes.NewReader(file), size, s.operations(size, part, "1"), options)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(s.object, file) {
				t.Error("the object differs from the file")
			}
			for offset, n := range s.tries {
				if want := map[bool]int{true: 3, false: 1}[offset == bad]; n != want {
					t.Errorf("part at %d was sent %d times, want %d", offset, n, want)
				}
			}
			if progress = watch.bytes; progress != size {
				t.Errorf("progress ends at %d, want %d", progress, size)
			}
			if result.Retries != 2 || watch.states[PartRetry] != 2 || watch.states[PartDone] != 4 {
				t.Errorf("%+v, %v", result, watch.states)
			}
			if strings.Contains(name, "Retry-After") && s.slept[0] != 7*time.Second {
				t.Errorf("slept %v", s.slept)
			}
		})
	}
}

// inBubble runs a subtest in a bubble of testing/synctest.
func inBubble(t *testing.T, name string, f func(*testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

type watcher struct {
	mu     sync.Mutex
	bytes  int64
	states map[PartState]int
}

func (w *watcher) Progress(n int64) { w.mu.Lock(); w.bytes += n; w.mu.Unlock() }

func (w *watcher) Part(e PartEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.states == nil {
		w.states = map[PartState]int{}
	}
	w.states[e.State]++
}

func TestAStalledConnectionIsReplaced(t *testing.T) { synctest.Test(t, aStalledConnectionIsReplaced) }

func aStalledConnectionIsReplaced(t *testing.T) {
	// Larger than what a connection buffers, so that the sender really stops.
	const size = 1 << 20
	start := time.Now()
	s := newBubbleStore(t, 0)
	s.fault = func(w http.ResponseWriter, r *http.Request, _ int64, try int) bool {
		if try == 1 {
			<-s.quit // reads nothing
			return true
		}
		_, _ = io.Copy(io.Discard, r.Body)
		return true
	}
	options := s.options()
	options.StallTimeout, options.ReplyTimeout = 2*time.Second, time.Minute
	watch := &watcher{}
	options.Observer = watch
	result, err := Upload(t.Context(), bytes.NewReader(make([]byte, size)), size, s.operations(size, size, "1"), options)
	if err != nil || result.Retries != 1 || watch.bytes != size {
		t.Errorf("%+v, %v, progress %d", result, err, watch.bytes)
	}
	if took := time.Since(start); took != 2*time.Second {
		t.Errorf("it stood still for %s", took)
	}
}

func TestFinalRefusalsEndTheUpload(t *testing.T) {
	for status, code := range map[int]string{400: "InvalidRequest", 401: "", 404: "NoSuchUpload", 403: "AccessDenied", 301: ""} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			s := newStore(t, 4)
			s.fault = func(w http.ResponseWriter, _ *http.Request, _ int64, _ int) bool {
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(status)
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>go away</Message></Error>", code)
				return true
			}
			_, err := Upload(t.Context(), strings.NewReader("abcd"), 4, s.operations(4, 4, "secret"), s.options())
			var part *PartError
			if !errors.As(err, &part) || part.Status != status || part.Attempts != 1 {
				t.Fatalf("%v", err)
			}
			if status == 403 != errors.Is(err, ErrExpired) {
				t.Errorf("%v", err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%v gives the URL away", err)
			}
		})
	}
}

func TestRetriesEndWithTheirTime(t *testing.T) {
	s := newStore(t, 4)
	s.fault = func(w http.ResponseWriter, _ *http.Request, _ int64, _ int) bool { w.WriteHeader(503); return true }
	start := s.now
	_, err := Upload(t.Context(), strings.NewReader("abcd"), 4, s.operations(4, 4, "1"), s.options())
	var part *PartError
	if !errors.As(err, &part) || part.Attempts < 10 {
		t.Fatalf("%v", err)
	}
	if took := s.now.Sub(start); took > defaultRetryFor || took < defaultRetryFor-time.Minute {
		t.Errorf("tried for %s", took)
	}
}

func TestExpiredOperationsAreReadAgainOnce(t *testing.T) {
	const size, part = 40 << 10, 10 << 10
	file := content(size)
	s := newStore(t, size)
	s.fault = func(w http.ResponseWriter, r *http.Request, _ int64, _ int) bool {
		if r.URL.Query().Get("generation") == "1" {
			w.WriteHeader(403)
			return true
		}
		return false
	}
	var reads int
	options := s.options()
	options.Refresh = func(context.Context) ([]Operation, error) {
		reads++
		return s.operations(size, part, "2"), nil
	}
	if _, err := Upload(t.Context(), bytes.NewReader(file), size, s.operations(size, part, "1"), options); err != nil {
		t.Fatal(err)
	}
	if reads != 1 || !bytes.Equal(s.object, file) {
		t.Errorf("read %d times", reads)
	}
	for name, refresh := range map[string]func(context.Context) ([]Operation, error){
		"the same ones again":   func(context.Context) ([]Operation, error) { return s.operations(size, part, "1"), nil },
		"ones with other parts": func(context.Context) ([]Operation, error) { return s.operations(size, part/2, "2"), nil },
		"none":                  func(context.Context) ([]Operation, error) { return nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			options.Refresh = refresh
			if _, err := Upload(t.Context(), bytes.NewReader(file), size, s.operations(size, part, "1"), options); !errors.Is(err, ErrExpired) {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("an operation past its end is not even tried", func(t *testing.T) {
		ops := s.operations(size, part, "1")
		for i := range ops {
			ops[i].Expiration = s.now.Add(-time.Hour)
		}
		options.Refresh = func(context.Context) ([]Operation, error) { return s.operations(size, part, "2"), nil }
		result, err := Upload(t.Context(), bytes.NewReader(file), size, ops, options)
		if err != nil || result.Retries != 0 {
			t.Errorf("%+v, %v", result, err)
		}
	})
}

func TestPartsThatAreThereAreNotSentAgain(t *testing.T) {
	const size, part = 40 << 10, 10 << 10
	file := content(size)
	s := newStore(t, size)
	ops := s.operations(size, part, "1")
	for i, op := range ops {
		sum := md5.Sum(file[op.Offset : op.Offset+op.Length])
		switch op.Offset {
		case 0, 10 << 10:
			ops[i].EntityTag = strings.ToUpper(hex.EncodeToString(sum[:]))
			copy(s.object[op.Offset:], file[op.Offset:op.Offset+op.Length])
		case 20 << 10:
			ops[i].EntityTag = strings.Repeat("0", 32) // of another file
		}
	}
	result, err := Upload(t.Context(), bytes.NewReader(file), size, ops, s.options())
	if err != nil || result.Resumed != 2 || result.Sent != 20<<10 || !bytes.Equal(s.object, file) {
		t.Errorf("%+v, %v", result, err)
	}
	for i, p := range result.Content {
		if want := md5.Sum(file[i*part : (i+1)*part]); p.Sum != hex.EncodeToString(want[:]) {
			t.Errorf("sum of part %d", i)
		}
	}
}

func TestAFileThatShrinksIsNotSent(t *testing.T) {
	s := newStore(t, 100)
	ops := s.operations(100, 50, "1")
	_, err := Upload(t.Context(), strings.NewReader(strings.Repeat("x", 70)), 100, ops, s.options())
	if !errors.Is(err, ErrFileChanged) {
		t.Errorf("while sending: %v", err)
	}
	for i := range ops {
		ops[i].EntityTag = strings.Repeat("0", 32)
	}
	_, err = Upload(t.Context(), strings.NewReader(strings.Repeat("x", 70)), 100, ops, s.options())
	if !errors.Is(err, ErrFileChanged) {
		t.Errorf("while hashing: %v", err)
	}
}

func TestAStoreWithoutETagsIsNotVerified(t *testing.T) {
	s := newStore(t, 4)
	s.fault = func(w http.ResponseWriter, r *http.Request, _ int64, _ int) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		return true
	}
	result, err := Upload(t.Context(), strings.NewReader("abcd"), 4, s.operations(4, 4, "1"), s.options())
	if err != nil || result.Verified {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestCancellingEndsAnUploadAtOnce(t *testing.T) {
	const size = 8 << 20
	s := newStore(t, size)
	started := make(chan struct{}, 100)
	s.fault = func(w http.ResponseWriter, r *http.Request, _ int64, _ int) bool {
		started <- struct{}{}
		<-s.quit
		return true
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-started; cancel(cause) }()
	options := s.options()
	options.StallTimeout, options.ReplyTimeout = time.Hour, time.Hour
	if _, err := Upload(ctx, bytes.NewReader(make([]byte, size)), size, s.operations(size, 1<<20, "1"), options); !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	if _, err := Upload(ctx, bytes.NewReader(make([]byte, 4)), 4, s.operations(4, 4, "1"), options); !errors.Is(err, cause) {
		t.Errorf("a cancelled context: %v", err)
	}
}

func TestTheRateIsKept(t *testing.T) {
	const size = 256 << 10
	s := newStore(t, size)
	options := s.options()
	options.StallTimeout = time.Minute
	// Generous enough to be fast, and a burst smaller than any buffer, so that
	// every read has to pass the limiter in pieces.
	options.Limit = rate.NewLimiter(64<<20, 4<<10)
	file := content(size)
	result, err := Upload(t.Context(), bytes.NewReader(file), size, s.operations(size, 64<<10, "1"), options)
	if err != nil || result.Sent != size || !bytes.Equal(s.object, file) {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestHeadersAreSentAsListed(t *testing.T) {
	s := newStore(t, 4)
	got := make(chan http.Header, 1)
	s.fault = func(w http.ResponseWriter, r *http.Request, _ int64, _ int) bool {
		h := r.Header.Clone()
		h.Set("Test-Host", r.Host)
		h.Set("Test-Length", strconv.FormatInt(r.ContentLength, 10))
		got <- h
		return false
	}
	ops := s.operations(4, 4, "1")
	ops[0].Headers = []Header{{"content-type", "x/y"}, {"X-Amz-Meta", "a"}, {"Content-Length", "4"}, {"Host", "store.example"}}
	if _, err := Upload(t.Context(), strings.NewReader("abcd"), 4, ops, s.options()); err != nil {
		t.Fatal(err)
	}
	h := <-got
	if h.Get("Content-Type") != "x/y" || h.Get("X-Amz-Meta") != "a" || h.Get("Test-Host") != "store.example" || h.Get("Test-Length") != "4" || h.Get("User-Agent") != "" || h.Get("Accept-Encoding") != "" {
		t.Errorf("%v", h)
	}
}
