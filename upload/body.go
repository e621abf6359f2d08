package upload

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"hash"
	"io"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// body streams one part from the file: it hashes what it hands out, counts
// it, and keeps to the rate. The transport may read it from another goroutine
// than the one that asks for the result.
type body struct {
	section *io.SectionReader
	length  int64
	events  bodyEvents
	// cancelled returns why the attempt was ended, or nil.
	cancelled func() error
	// throttle waits until the rate allows to fill p, or the start of it, and
	// returns that; nil without a limit.
	throttle func(p []byte) ([]byte, error)

	mu      sync.Mutex
	hash    hash.Hash
	sent    int64
	readErr error
	closed  chan struct{}
	once    sync.Once
}

// bodyEvents is told how the sending of a body goes on.
type bodyEvents interface {
	// requested says that the connection has accepted all bytes so far and asks
	// for more.
	requested()
	// handedOver says that the connection was given n bytes, and whether they
	// were the last.
	handedOver(n int64, last bool)
	// throttled says that a wait for the rate limit starts or ends, during
	// which the connection is not to blame.
	throttled(waiting bool)
}

// newBody returns the body of one attempt, which ends with ctx.
func newBody(ctx context.Context, file io.ReaderAt, op Operation, limit *rate.Limiter, events bodyEvents) *body {
	b := &body{
		section:   io.NewSectionReader(file, op.Offset, op.Length),
		length:    op.Length,
		events:    events,
		cancelled: func() error { return context.Cause(ctx) },
		// MD5 is what the store answers with; it guards against accidents.
		hash:   md5.New(),
		closed: make(chan struct{}),
	}
	if limit != nil {
		b.throttle = func(p []byte) ([]byte, error) {
			p = p[:min(len(p), limit.Burst())]
			return p, limit.WaitN(ctx, len(p))
		}
	}
	return b
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.cancelled(); err != nil {
		return 0, err
	}
	if b.whole() {
		// A transport asks whether there is more than it was promised. That
		// request says nothing of the connection, and needs no allowance.
		return 0, io.EOF
	}
	b.events.requested()
	if b.throttle != nil {
		b.events.throttled(true)
		allowed, err := b.throttle(p)
		b.events.throttled(false)
		if err != nil {
			return 0, err
		}
		p = allowed
	}
	n, err := b.section.Read(p)
	b.mu.Lock()
	b.hash.Write(p[:n])
	b.sent += int64(n)
	done := b.sent == b.length
	if err == io.EOF && !done {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		b.readErr = err
	}
	b.mu.Unlock()
	if n > 0 {
		b.events.handedOver(int64(n), done)
	}
	return n, err
}

func (b *body) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// wait returns when the transport has let go of the body, so that the file is
// not read after the upload has returned.
func (b *body) wait() {
	timer := time.NewTimer(5 * time.Second)
	defer timer.Stop()
	select {
	case <-b.closed:
	case <-timer.C:
	}
}

// whole reports whether all was handed out.
func (b *body) whole() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sent == b.length
}

// result returns the MD5 of what was handed out, how much that was, and the
// file's error, if reading it failed.
func (b *body) result() (sum string, sent int64, readErr error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return hex.EncodeToString(b.hash.Sum(nil)), b.sent, b.readErr
}

// hashPart returns the MD5 of a part of the file, in hex.
func hashPart(ctx context.Context, file io.ReaderAt, op Operation) (string, error) {
	sum := md5.New()
	section := io.NewSectionReader(file, op.Offset, op.Length)
	buffer := make([]byte, 256<<10)
	var total int64
	for {
		if err := ctx.Err(); err != nil {
			return "", context.Cause(ctx)
		}
		n, err := section.Read(buffer)
		sum.Write(buffer[:n])
		total += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
	}
	if total != op.Length {
		return "", io.ErrUnexpectedEOF
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
