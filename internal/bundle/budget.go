package bundle

import (
	"errors"
	"io"
	"sync/atomic"
	"unicode/utf8"
)

// A package of a few bytes can describe work without end: data that unpacks a
// thousandfold, entries that share data, references that unfold. Every reader
// therefore spends from budgets that grow with the bytes it is given, and
// stops where one is used up.

const (
	// maxUnpacked, with unpackedFor bytes for each byte of the package, bounds
	// what is unpacked of it.
	maxUnpacked = 1 << 30
	minUnpacked = 48 << 20
	unpackedFor = 8
	// maxDocuments bounds the property lists, profiles and links that are read
	// of one package, in total: reading them takes the most time.
	maxDocuments = 2 << 20
	// documentCost is what opening a document takes besides, however small it
	// is.
	documentCost = 256
	// The list of files may be gone through so often: once for each bundle
	// that a file lies in, and for icons.
	looksAtLeast = 100_000
	looksFor     = 32
	// maxPath is the longest path of a file in an app, in bytes (PATH_MAX of
	// Apple's systems), and maxDepth how many folders deep it may lie.
	maxPath  = 1024
	maxDepth = 128
	// maxMessage and maxValue bound what a message or a finding quotes, in
	// characters.
	maxMessage = 800
	maxValue   = 200
)

// errTooLarge is that a budget is used up.
var errTooLarge = errors.New("larger than it may be")

// A budget is what may still be spent, in bytes or in steps that take about as
// long. Several readers may spend from it at the same time.
type budget struct {
	limit int64
	spent atomic.Int64
}

func newBudget(limit int64) *budget { return &budget{limit: limit} }

// spend takes n from the budget, and fails once more has been taken than was
// in it.
func (b *budget) spend(n int64) error {
	if b.spent.Add(n) > b.limit {
		return errTooLarge
	}
	return nil
}

// used is what was spent, without what was refused.
func (b *budget) used() int64 { return min(b.limit, b.spent.Load()) }

// budgets are those of one inspection.
type budgets struct {
	// unpacked is for what is unpacked of compressed files, and for what is
	// read of programs.
	unpacked *budget
	// documents is for property lists, profiles and links, signatures for those
	// inside of programs.
	documents, signatures *budget
	// looked is for looking at the list of files, one for each file and each
	// time. Its limit is set when the number of files is known.
	looked *budget
}

func newBudgets(size, unpacked int64) budgets {
	return budgets{
		looked:   newBudget(0),
		unpacked: newBudget(unpacked), documents: newBudget(maxDocuments),
		signatures: newBudget(maxDocuments + min(size, maxUnpacked)/unpackedFor),
	}
}

// allowance is what may be unpacked of a package of a size.
func allowance(size int64) int64 {
	return min(maxUnpacked, minUnpacked+unpackedFor*min(size, maxUnpacked))
}

// searchAllowance is what may be unpacked to find the app at all. No real
// package is packed as densely as that.
func searchAllowance(size int64) int64 { return min(8<<30, minUnpacked+32*min(size, 8<<30)) }

// A boundedReader fails, instead of ending, where its limit is passed.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.r.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, errTooLarge
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// A budgetReader ends a stream where the budget is used up.
type budgetReader struct {
	r io.Reader
	b *budget
}

func (r *budgetReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if r.b.spend(int64(n)) != nil {
		return 0, errTooLarge
	}
	return n, err
}

// A budgetSeeker is a budgetReader of a stream that can seek.
type budgetSeeker struct {
	budgetReader
	io.Seeker
}

// checkPath refuses paths that no file on Apple's systems has.
func checkPath(path string) error {
	switch depth := 0; {
	case len(path) > maxPath:
		return errLongPath
	default:
		for i := range len(path) {
			if path[i] == '/' {
				depth++
			}
		}
		if depth > maxDepth {
			return errDeepPath
		}
		return nil
	}
}

var (
	errLongPath = errors.New("a file in it has a path of more than 1024 bytes, which no system of Apple's takes")
	errDeepPath = errors.New("a file in it lies more than 128 folders deep")
)

// shorten cuts a text after some characters.
func shorten(s string, characters int) string {
	if len(s) <= characters {
		return s
	}
	for i := range s {
		if characters--; characters < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// clip is for values in a message.
func clip(s string) string { return shorten(s, 80) }

// A briefError is an error with a short text. Libraries quote what they could
// not read, which may be all of a file.
type briefError struct{ err error }

func (e briefError) Error() string { return shorten(e.err.Error(), maxValue) }
func (e briefError) Unwrap() error { return e.err }

// brief shortens the text of an error where it is long.
func brief(err error) error {
	if err == nil || utf8.RuneCountInString(err.Error()) <= maxValue {
		return err
	}
	return briefError{err}
}
