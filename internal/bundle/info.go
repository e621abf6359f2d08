// Package bundle reads signed Apple packages: .ipa (iOS, tvOS, visionOS), .pkg
// (macOS) and .zip with one .app. It reads only what is needed, in bounded
// memory, however large or hostile the file is.
package bundle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// A Kind is the container format of a package, decided by its content.
type Kind string

// The kinds of package that the service accepts.
const (
	IPA Kind = "ipa"
	PKG Kind = "pkg"
	ZIP Kind = "zip"
)

// Info is what a package says about itself.
type Info struct {
	// Path is the file's name as given.
	Path string
	Kind Kind
	// Size is in bytes.
	Size int64
	// Modified is the file's modification time when it was read.
	Modified time.Time
	// App is the path of the app's bundle inside the package.
	App string
	// BundleID is CFBundleIdentifier.
	BundleID string
	// ShortVersion is CFBundleShortVersionString, the marketing version.
	ShortVersion string
	// BuildVersion is CFBundleVersion, the build number.
	BuildVersion string
	// Platform is empty if the package does not tell.
	Platform Platform
	// Name is the display name, or the bundle's name.
	Name string
	// MinimumOS is the lowest system version the app runs on.
	MinimumOS string
	// UsesNonExemptEncryption is ITSAppUsesNonExemptEncryption, nil if the
	// app does not say, which leaves export compliance undecided.
	UsesNonExemptEncryption *bool
	// Bundles are the app and everything inside it, the app first.
	Bundles []Bundle
	// Installer is what an installer package says about itself, nil for other
	// packages.
	Installer *Installer
	// SwiftSupport and Symbols tell whether the package has these folders
	// beside Payload.
	SwiftSupport, Symbols bool
	// Partial says why not all of the package was looked at, "" if all was.
	Partial string
	// Oddities are files that should not be there, and what else is strange
	// about the package's layout.
	Oddities []Oddity
}

// An Oddity is something about a package's files that a rule looks at.
type Oddity struct {
	// Rule is the id of that rule.
	Rule string
	Path string
	// Value is what is odd, in words.
	Value string
}

// app returns the bundle of the app itself.
func (i Info) app() Bundle {
	if len(i.Bundles) == 0 {
		return Bundle{}
	}
	return i.Bundles[0]
}

// An Error says why a package cannot be used.
type Error struct {
	// Path is the package's file name.
	Path string
	// Reason is a sentence without a full stop.
	Reason string
	// Hint says what to do about it. It may be empty.
	Hint string
	Err  error
}

func (e *Error) Error() string {
	text := e.Reason
	if e.Path != "" {
		text = e.Path + ": " + text
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Open opens a package for [Inspect] and for the transfer. The error is an
// [*Error].
func Open(path string) (*os.File, error) {
	stat, err := os.Stat(path)
	switch {
	case err != nil && os.IsNotExist(err):
		return nil, &Error{Path: path, Reason: "there is no such file", Hint: "is the path relative to the folder the command runs in?"}
	case err != nil:
		return nil, &Error{Path: path, Reason: "the file cannot be read", Err: unwrapPath(err)}
	case stat.IsDir() && filepath.Ext(path) == ".app":
		return nil, &Error{Path: path, Reason: "this is an .app folder, not a package", Hint: "export an .ipa or .pkg (xcodebuild -exportArchive), or zip the app"}
	case stat.IsDir() && filepath.Ext(path) == ".xcarchive":
		return nil, &Error{Path: path, Reason: "this is an Xcode archive, not a package", Hint: "export it first: xcodebuild -exportArchive"}
	case stat.IsDir():
		return nil, &Error{Path: path, Reason: "this is a folder, not a package", Hint: "give the path of the .ipa or .pkg file"}
	case !stat.Mode().IsRegular():
		return nil, &Error{Path: path, Reason: "this is not a regular file", Hint: "parts are sent in parallel from different places of the file, so it cannot be a pipe or a device"}
	case stat.Size() == 0:
		return nil, &Error{Path: path, Reason: "the file is empty", Hint: "did the step that makes it fail, or is a download incomplete?"}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, &Error{Path: path, Reason: "the file cannot be read", Err: unwrapPath(err)}
	}
	return file, nil
}

func unwrapPath(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err // the message names the path already
	}
	return err
}

// InspectFile opens, inspects and closes a package.
func InspectFile(path string) (Info, error) {
	file, err := Open(path)
	if err != nil {
		return Info{}, err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return Info{}, &Error{Path: path, Reason: "the file cannot be read", Err: unwrapPath(err)}
	}
	info, err := Inspect(path, file, stat.Size())
	info.Modified = stat.ModTime()
	return info, err
}

// Inspect reads the package in r, whose content decides what it is; the name
// is only for messages. The error is an [*Error].
func Inspect(name string, r io.ReaderAt, size int64) (Info, error) {
	return inspectWithin(name, r, size, newBudgets(size, allowance(size)))
}

// inspectWithin is Inspect with what may be spent on it.
func inspectWithin(name string, r io.ReaderAt, size int64, spend budgets) (Info, error) {
	info, err := inspect(r, size, spend)
	info.Path, info.Size = name, size
	for _, value := range []*string{&info.Name, &info.BundleID, &info.ShortVersion, &info.BuildVersion, &info.MinimumOS} {
		*value = shorten(*value, maxText)
	}
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{Reason: "the package cannot be read", Err: err}
		}
		e.Path, e.Reason, e.Err = name, shorten(e.Reason, maxMessage), brief(e.Err)
		return info, e
	}
	if info.BundleID == "" {
		return info, &Error{Path: name, Reason: "Info.plist has no CFBundleIdentifier", Hint: "set PRODUCT_BUNDLE_IDENTIFIER in the Xcode project"}
	}
	return info, nil
}

func inspect(r io.ReaderAt, size int64, spend budgets) (Info, error) {
	var magic [4]byte
	n, err := r.ReadAt(magic[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Info{}, fmt.Errorf("read: %w", err)
	}
	switch {
	case size == 0:
		return Info{}, &Error{Reason: "the file is empty"}
	case n == 4 && string(magic[:]) == "xar!":
		return inspectPkg(r, size, spend)
	case n == 4 && (string(magic[:]) == "PK\x03\x04" || string(magic[:]) == "PK\x05\x06"):
		return inspectZip(r, size, spend)
	}
	return Info{}, &Error{Reason: "this is neither a zip file (.ipa, .zip) nor an installer package (.pkg): it starts with " + describeBytes(magic[:n]), Hint: "is the path right, and the file complete?"}
}

// describeBytes names the start of a file in a way a person recognises.
func describeBytes(b []byte) string {
	switch {
	case len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b:
		return "gzip data"
	case len(b) >= 4 && string(b[:4]) == "vers":
		return "a Git LFS pointer (run `git lfs pull`)"
	case len(b) > 0 && (b[0] == '<' || b[0] == '{'):
		return "HTML, XML or JSON text"
	}
	printable := true
	for _, c := range b {
		printable = printable && c >= 0x20 && c < 0x7f
	}
	if printable {
		return fmt.Sprintf("the text %q", b)
	}
	return fmt.Sprintf("the bytes % x", b)
}
