package upload

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// entityTag returns the MD5 in an ETag or entity tag, in lower-case hex, or ""
// if it holds something else. Apple's store sends quoted upper-case hex.
func entityTag(tag string) string {
	tag = strings.ToLower(strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`))
	if len(tag) != 32 {
		return ""
	}
	if _, err := hex.DecodeString(tag); err != nil {
		return ""
	}
	return tag
}

// fileError tells a file that shrank from one that cannot be read.
func fileError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it is shorter than before", ErrFileChanged)
	}
	return fmt.Errorf("%w: reading it failed: %w", ErrFileChanged, err)
}

// isCause reports whether an error only repeats the attempt's own end.
func isCause(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		context.Cause(ctx) != nil && errors.Is(err, context.Cause(ctx))
}

// transportError names why a request failed without a reply.
func transportError(ctx context.Context, err error, complete bool) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(cause, errStalled) {
		if complete {
			return errNoReply
		}
		return errStalled
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the connection was closed")
	}
	return err
}

// SameTag reports whether an entity tag is that MD5, which is in hex.
func SameTag(tag, sum string) bool { return entityTag(tag) != "" && entityTag(tag) == entityTag(sum) }
