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
	// say. A local part without an MD5 is the same as nothing.
	Parts, Same, Different, Silent int
}

// Complete reports whether the service has every part with the local MD5.
func (c Comparison) Complete() bool { return c.Parts > 0 && c.Same == c.Parts }

// Told reports whether the service says what it holds of at least one part.
func (c Comparison) Told() bool { return c.Same+c.Different > 0 }

// Compare compares operations that were read again with the parts of a file,
// which are in its order. It fails with a [*PlanError] if they do not cover the
// same ranges.
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
		reason := fmt.Sprintf("there are %d parts now, and there were %d", len(sorted), len(content))
		return Comparison{}, &PlanError{reason}
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

// Acknowledged returns the operations whose entity tag is an MD5: the store may
// have received their parts. A placeholder is not an MD5.
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
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(hashers())
	for i, op := range operations {
		if each.Err() != nil {
			break
		}
		group.Go(func() error {
			sum, err := hashPart(each, file, op)
			if err != nil && each.Err() == nil {
				err = fileError(err)
			}
			sums[i] = sum
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // not all were read
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

// maxCompositeParts is how many parts an object of S3 has at most
// (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const maxCompositeParts = 10_000

// ParseComposite reads a composite checksum. Other forms, and more parts than
// an object can have, are not understood.
func ParseComposite(text string) (c Composite, ok bool) {
	fields := strings.Split(strings.Trim(strings.TrimSpace(text), `"`), "-")
	if len(fields) != 3 {
		return Composite{}, false
	}
	sum := entityTag(fields[0])
	parts, partsOK := decimal(fields[1])
	size, sizeOK := decimal(fields[2])
	if sum == "" || !partsOK || !sizeOK || parts < 1 || parts > maxCompositeParts || size < 1 {
		return Composite{}, false
	}
	return Composite{Sum: sum, Parts: int(parts), PartSize: size}, true
}

// decimal reads a number of at most 15 digits, without a sign.
func decimal(text string) (n int64, ok bool) {
	if text == "" || len(text) > 15 {
		return 0, false
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

// String is the checksum as the service writes it.
func (c Composite) String() string { return fmt.Sprintf("%s-%d-%d", c.Sum, c.Parts, c.PartSize) }

// CompositeOf is the composite checksum of parts that cover a file, in its
// order. It is zero if there are none or the MD5 of one is not known.
func CompositeOf(content []Part) Composite {
	if len(content) == 0 {
		return Composite{}
	}
	var sums []byte
	for _, part := range content {
		sum, err := hex.DecodeString(entityTag(part.Sum))
		if err != nil || len(sum) == 0 {
			return Composite{}
		}
		sums = append(sums, sum...)
	}
	c := Composite{Sum: hex.EncodeToString(sums), Parts: len(content), PartSize: content[0].Length}
	if len(content) > 1 {
		joined := md5.Sum(sums)
		c.Sum = hex.EncodeToString(joined[:])
	}
	return c
}

// Cut divides a file of size bytes into ranges of partSize bytes, the last one
// shorter. They have neither method nor URL. It returns nil unless both are
// positive.
func Cut(size, partSize int64) []Operation {
	if partSize <= 0 {
		return nil
	}
	var out []Operation
	for left := size; left > 0; left -= partSize {
		out = append(out, Operation{Offset: size - left, Length: min(partSize, left)})
	}
	return out
}
