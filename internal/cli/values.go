package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/time/rate"
)

// text reads a value that may be - for stdin or @file.
func (p *program) text(ctx context.Context, value, flag string) (string, error) {
	var source io.Reader
	switch {
	case value == "-":
		source = p.Streams.In
	case strings.HasPrefix(value, "@"):
		file, err := os.Open(p.expand(value[1:]))
		if err != nil {
			return "", usagef("", "%s: %v", flag, err)
		}
		defer file.Close()
		source = file
	default:
		return value, nil
	}
	content, err := readAll(ctx, io.LimitReader(source, maxText))
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", usagef("", "%s: %v", flag, err)
	}
	// Without the marks and line ends that editors add.
	return strings.TrimRight(strings.TrimPrefix(string(content), "\ufeff"), "\r\n"), nil
}

// readAll reads to the end, or until the user has had enough: a read of a
// terminal or pipe cannot be cancelled, but it can be left behind.
func readAll(ctx context.Context, source io.Reader) ([]byte, error) {
	type result struct {
		content []byte
		err     error
	}
	done := make(chan result, 1)
	go func() {
		content, err := io.ReadAll(source)
		done <- result{content, err}
	}()
	select {
	case r := <-done:
		return r.content, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func trimmed(items []string) []string {
	var out []string
	for _, item := range items {
		for _, part := range splitList(item) {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// splitList splits at commas. A comma behind a backslash is part of a name.
func splitList(text string) []string {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == ',':
			part.WriteByte(',')
			i++
		case text[i] == ',':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(text[i])
		}
	}
	return append(parts, part.String())
}

// parseRate reads bytes per second: 500kB, 10MB/s, 1.5MiB/s.
func parseRate(text string) (*rate.Limiter, error) {
	if text == "" {
		return nil, nil
	}
	number := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), "/s")
	factor := 1.0
	for _, unit := range []struct {
		suffix string
		factor float64
	}{{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"k", 1e3}, {"m", 1e6}, {"g", 1e9}, {"b", 1}} {
		if rest, ok := strings.CutSuffix(number, unit.suffix); ok {
			number, factor = strings.TrimSpace(rest), unit.factor
			break
		}
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || !(value*factor >= 1024 && value*factor <= 1e12) { // NaN is neither
		return nil, fmt.Errorf("%q is not a rate such as 10MB/s", text)
	}
	return rate.NewLimiter(rate.Limit(value*factor), 64<<10), nil
}
