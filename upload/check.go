package upload

import (
	"context"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// A Part is a range of a file with the MD5 of what it holds.
type Part struct {
	// Offset and Length are in bytes.
	Offset, Length int64
	// Sum is the MD5 in hex.
	Sum string
}

// Check reads the parts of a file again and compares them with their sums. The
// error is [ErrFileChanged] in a [*PartError] if one differs.
func Check(ctx context.Context, file io.ReaderAt, parts []Part) error {
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(hashers())
	for i, part := range parts {
		if each.Err() != nil {
			break
		}
		group.Go(func() error {
			op := Operation{Offset: part.Offset, Length: part.Length}
			sum, err := hashPart(each, file, op)
			if each.Err() != nil {
				return context.Cause(each)
			}
			if err != nil {
				err = fileError(err)
			} else if sum != entityTag(part.Sum) {
				err = ErrFileChanged
			}
			if err != nil {
				return &PartError{PartNumber: int64(i + 1), Offset: part.Offset, Length: part.Length, Attempts: 1, Err: err}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx) // not all were read if there is one
}

// hashers is how many parts are read for their MD5 at the same time.
func hashers() int { return max(2, min(4, runtime.GOMAXPROCS(0))) }
