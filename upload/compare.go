package upload

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"
)

// A Comparison is what the entity tags of upload operations say about a file.
type Comparison struct {
	// Parts is the number of operations. Same have the MD5 of the local part as
	// their entity tag, Different that of something else, and Silent have no
	// entity tag that is an MD5: nothing has arrived, or the service does not
	// tell.
	Parts, Same, Different, Silent int
}

// Complete tells whether every part is there with the local part's MD5.
func (c Comparison) Complete() bool { return c.Parts > 0 && c.Same == c.Parts }

// Told tells whether the service says of any part what it holds.
func (c Comparison) Told() bool { return c.Same+c.Different > 0 }

// Compare holds operations that were read again against the parts of the file.
// It fails with a [*PlanError] if they do not cover the same ranges.
func Compare(operations []Operation, content []Part) (Comparison, error) {
	size := int64(0)
	for _, part := range content {
		size += part.Length
	}
	sorted, err := Validate(operations, size)
	if err != nil {
		return Comparison{}, err
	}
	if len(sorted) != len(content) {
		return Comparison{}, &PlanError{fmt.Sprintf("there are %d parts now, and there were %d", len(sorted), len(content))}
	}
	c := Comparison{Parts: len(sorted)}
	for i, op := range sorted {
		if op.Offset != content[i].Offset || op.Length != content[i].Length {
			return Comparison{}, &PlanError{fmt.Sprintf("part %d has another range than before", i+1)}
		}
		switch tag := entityTag(op.EntityTag); tag {
		case "":
			c.Silent++
		case entityTag(content[i].Sum):
			c.Same++
		default:
			c.Different++
		}
	}
	return c, nil
}

// Acknowledged returns the operations whose entity tag is an MD5, so that a
// store may have received their parts. A placeholder is none.
func Acknowledged(operations []Operation) []Operation {
	var out []Operation
	for _, op := range operations {
		if entityTag(op.EntityTag) != "" {
			out = append(out, op)
		}
	}
	return out
}

// Sums reads the ranges of operations and returns their MD5s in hex, in the
// order of the operations. A file that is too short is an [ErrFileChanged].
func Sums(ctx context.Context, file io.ReaderAt, operations []Operation) ([]string, error) {
	sums := make([]string, len(operations))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(hashers())
	for i, op := range operations {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			sum, err := hashPart(ctx, file, op)
			if err != nil && ctx.Err() == nil {
				err = fileError(err)
			}
			sums[i] = sum
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return sums, nil
}

// A Composite is the checksum of an object that was sent in parts, in the form
// "<md5>-<parts>-<part size>" that Apple's delivery service was seen to use.
type Composite struct {
	// Sum is an MD5 in hex: of the object if it has one part, otherwise of the
	// parts' MD5s one after the other. That second rule is an assumption, by the
	// custom of S3.
	Sum string
	// Parts is their number, PartSize the length of all but the last, in bytes.
	Parts    int
	PartSize int64
}

// ParseComposite reads a composite checksum. Other forms are not understood.
func ParseComposite(text string) (Composite, bool) {
	fields := strings.Split(strings.Trim(strings.TrimSpace(text), `"`), "-")
	if len(fields) != 3 {
		return Composite{}, false
	}
	parts, ok := decimal(fields[1])
	size, ok2 := decimal(fields[2])
	c := Composite{Sum: entityTag(fields[0]), Parts: int(parts), PartSize: size}
	return c, ok && ok2 && c.Sum != "" && parts > 0 && size > 0
}

// decimal reads a number of at most 15 digits, without a sign.
func decimal(text string) (n int64, ok bool) {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, text != "" && len(text) <= 15
}

// String is the checksum as the service writes it.
func (c Composite) String() string { return fmt.Sprintf("%s-%d-%d", c.Sum, c.Parts, c.PartSize) }

// CompositeOf is the composite checksum of parts that cover a file, in its
// order.
func CompositeOf(content []Part) Composite {
	if len(content) == 0 {
		return Composite{}
	}
	c := Composite{Sum: entityTag(content[0].Sum), Parts: len(content), PartSize: content[0].Length}
	if len(content) == 1 {
		return c
	}
	sum := md5.New()
	for _, part := range content {
		raw, _ := hex.DecodeString(entityTag(part.Sum)) // entityTag has checked it
		sum.Write(raw)
	}
	c.Sum = hex.EncodeToString(sum.Sum(nil))
	return c
}

// Cut divides a file of size bytes into parts of partSize bytes, the last one
// shorter.
func Cut(size, partSize int64) []Operation {
	var out []Operation
	for offset := int64(0); offset < size && partSize > 0; offset += partSize {
		out = append(out, Operation{Offset: offset, Length: min(partSize, size-offset)})
	}
	return out
}
