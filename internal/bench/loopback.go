package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/upload"
)

// loopbackParallel is the number of parts in flight on both sides.
const loopbackParallel = 8

// loopback compares with the least that could be done: a bare loop of PUTs
// with the same number in flight, and the MD5 of each part. Both run three
// times in turn, and the better of each counts.
func loopback(ctx context.Context) error {
	const size = 1 << 30
	var ours, bare time.Duration
	for range 3 {
		s, err := open(ctx, size, sandbox.Options{TLS: true})
		if err != nil {
			return err
		}
		took, _, err := s.measure(ctx, noise(size), size, upload.NewPool(loopbackParallel, 0))
		s.server.Close()
		if err != nil {
			return err
		}
		ours = least(ours, took)
		if s, err = open(ctx, size, sandbox.Options{TLS: true}); err != nil {
			return err
		}
		took, err = s.bareLoop(ctx, noise(size))
		s.server.Close()
		if err != nil {
			return err
		}
		bare = least(bare, took)
	}
	fmt.Printf("  %.1f %% of the bare loop's rate (%.0f MB/s against %.0f MB/s, %d in flight)\n",
		100*bare.Seconds()/ours.Seconds(), size/1e6/ours.Seconds(), size/1e6/bare.Seconds(), loopbackParallel)
	return nil
}

func least(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

func (s *site) bareLoop(ctx context.Context, file io.ReaderAt) (time.Duration, error) {
	transport := &http.Transport{TLSClientConfig: s.server.TLS(), MaxIdleConnsPerHost: loopbackParallel}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loopbackParallel)
	for _, op := range s.operations {
		group.Go(func() error {
			sum := md5.New()
			content := io.TeeReader(io.NewSectionReader(file, op.Offset, op.Length), sum)
			req, err := http.NewRequestWithContext(ctx, op.Method, op.URL, content)
			if err != nil {
				return err
			}
			req.ContentLength = op.Length
			for _, h := range op.Headers {
				req.Header.Set(h.Name, h.Value)
			}
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body)
			if tag := strings.Trim(resp.Header.Get("ETag"), `"`); !strings.EqualFold(tag, hex.EncodeToString(sum.Sum(nil))) {
				return fmt.Errorf("part %d: %d, ETag %q", op.PartNumber, resp.StatusCode, tag)
			}
			return nil
		})
	}
	err := group.Wait()
	return time.Since(start), err
}
