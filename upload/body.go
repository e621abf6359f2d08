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
// it, keeps to the rate, and moves the stall clock on. The transport may read
// it from another goroutine than the one that looks at the result.
type body struct {
	ctx     context.Context
	section *io.SectionReader
	length  int64
	limit   *rate.Limiter
	// progress is told of bytes that were handed out, and whether they are the
	// last.
	progress func(n int64, done bool)
	// alive is called when bytes are asked for, which is when the connection
	// has accepted the ones before.
	alive func()
	// held frames a wait for the rate limit, which is nobody's fault.
	held func(bool)

	mu      sync.Mutex
	hash    hash.Hash
	sent    int64
	readErr error
	closed  chan struct{}
	once    sync.Once
}

func newBody(ctx context.Context, file io.ReaderAt, op Operation) *body {
	return &body{
		ctx:     ctx,
		section: io.NewSectionReader(file, op.Offset, op.Length),
		length:  op.Length,
		// MD5 is what the store answers with; it guards against accidents.
		hash:   md5.New(),
		closed: make(chan struct{}),
	}
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, context.Cause(b.ctx)
	}
	b.alive()
	if b.limit != nil {
		p = p[:min(len(p), b.limit.Burst())]
		b.held(true)
		err := b.limit.WaitN(b.ctx, len(p))
		b.held(false)
		if err != nil {
			return 0, err
		}
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
		b.progress(int64(n), done)
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
