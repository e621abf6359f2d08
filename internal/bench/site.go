package main

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/internal/sandbox/sandboxtest"
	"github.com/ascend-cli/ascend/upload"
)

const mbit = 1_000_000 / 8

// site is a sandbox with a reservation for one file.
type site struct {
	server     *sandboxtest.Sandbox
	client     *asc.Client
	uploadID   string
	fileID     string
	operations []upload.Operation
	bytes      atomic.Int64 // bodies read by the store
}

func open(ctx context.Context, size int64, options sandbox.Options) (*site, error) {
	s := &site{}
	options.OnRequest = func(r sandbox.Request) {
		if r.Host == "store" {
			s.bytes.Add(r.Bytes)
		}
	}
	var err error
	if s.server, err = sandboxtest.Start(options); err != nil {
		return nil, err
	}
	s.client, err = asc.NewClient(asc.Options{
		Key: s.server.ClientKey(), URL: s.server.URL(), Transport: s.server.Transport(),
	})
	if err != nil {
		return nil, errors.Join(err, s.server.Close())
	}
	created, err := s.client.CreateBuildUpload(ctx, sandboxtest.AppID, asc.NewBuildUpload{CFBundleShortVersionString: "1.0", CFBundleVersion: "1", Platform: asc.IOS})
	if err != nil {
		return nil, errors.Join(err, s.server.Close())
	}
	file, err := s.client.CreateBuildUploadFile(ctx, created.ID, asc.NewBuildUploadFile{AssetType: asc.AssetPackage, FileName: "Demo.ipa", FileSize: size, UTI: asc.UTIIpa})
	if err != nil {
		return nil, errors.Join(err, s.server.Close())
	}
	s.uploadID, s.fileID, s.operations = created.ID, file.ID, operations(file)
	return s, nil
}

func operations(file asc.BuildUploadFile) []upload.Operation {
	var out []upload.Operation
	for _, op := range file.UploadOperations {
		o := upload.Operation{Method: op.Method, URL: op.URL, Offset: op.Offset, Length: op.Length, PartNumber: op.PartNumber, EntityTag: op.EntityTag, Expiration: op.Expiration}
		for _, h := range op.Headers {
			o.Headers = append(o.Headers, upload.Header(h))
		}
		out = append(out, o)
	}
	return out
}

// measure uploads size bytes once and returns how long it took.
func (s *site) measure(ctx context.Context, file io.ReaderAt, size int64, pool *upload.Pool) (time.Duration, upload.Result, error) {
	transport := upload.NewTransport(s.server.TLS())
	defer transport.CloseIdleConnections()
	start := time.Now()
	result, err := upload.Upload(ctx, file, size, s.operations, upload.Options{Pool: pool, Transport: transport, Refresh: func(ctx context.Context) ([]upload.Operation, error) {
		f, err := s.client.BuildUploadFile(ctx, s.fileID)
		return operations(f), err
	}})
	took := time.Since(start)
	if err == nil {
		if _, whole := s.server.Object(s.uploadID); !whole {
			err = errors.New("the stored object is not complete")
		}
	}
	return took, result, err
}

// noise is a file of size bytes that is not all zeros and needs no disk.
func noise(size int64) io.ReaderAt {
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * 7 >> 3)
	}
	return &repeated{block: block, size: size}
}

type repeated struct {
	block []byte
	size  int64
}

func (r *repeated) ReadAt(p []byte, offset int64) (int, error) {
	n := 0
	for n < len(p) && offset < r.size {
		from := r.block[offset%int64(len(r.block)):]
		c := copy(p[n:], from[:min(int64(len(from)), r.size-offset)])
		n += c
		offset += int64(c)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
