package bundle

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// DescriptionName is how Xcode calls the description that it writes beside a
// package (generateAppStoreInformation in ExportOptions.plist).
const DescriptionName = "AppStoreInfo.plist"

// maxDescription bounds a description, in bytes.
const maxDescription = 8 << 20

// A Description is an AppStoreInfo.plist: what Apple's tools say about a
// package, for the service to check before the package comes.
type Description struct {
	Path    string
	Content []byte
	// Binary tells the format of the property list.
	Binary bool
	// Bundles are those that it describes.
	Bundles []DescribedBundle
}

// A DescribedBundle is a bundle in a description. The keys have been seen in
// what swinfo writes; Apple does not document them.
type DescribedBundle struct {
	BundleID     text `plist:"bundle-identifier"`
	Identifier   text `plist:"CFBundleIdentifier"`
	ShortVersion text `plist:"CFBundleShortVersionString"`
	BuildVersion text `plist:"CFBundleVersion"`
}

type describedBundles []DescribedBundle

func (d *describedBundles) UnmarshalPlist(unmarshal func(any) error) error {
	var value any
	if unmarshal(&value) != nil {
		return nil
	}
	many, ok := value.([]any)
	if !ok {
		many = []any{value}
	}
	for _, one := range many {
		member, _ := one.(map[string]any) // nothing is in what is none
		described := DescribedBundle{
			BundleID: text(scalarOf(member["bundle-identifier"])), Identifier: text(scalarOf(member["CFBundleIdentifier"])),
			ShortVersion: text(scalarOf(member["CFBundleShortVersionString"])), BuildVersion: text(scalarOf(member["CFBundleVersion"])),
		}
		if described.id() != "" {
			*d = append(*d, described)
		}
	}
	return nil
}

func (d DescribedBundle) id() string { return string(firstText(d.BundleID, d.Identifier)) }

// ReadDescription reads the description in a file. The error is an [*Error].
func ReadDescription(path string) (Description, error) {
	file, err := os.Open(path)
	if err != nil {
		return Description{}, &Error{Path: path, Reason: "the asset description cannot be read", Err: unwrapPath(err)}
	}
	defer file.Close()
	content, err := io.ReadAll(&boundedReader{r: file, left: maxDescription})
	if err != nil {
		return Description{}, &Error{Path: path, Reason: "the asset description cannot be read", Err: err}
	}
	d, err := ParseDescription(content)
	d.Path = path
	if err != nil {
		return d, &Error{Path: path, Reason: "the asset description cannot be used", Hint: "it is the AppStoreInfo.plist that Xcode writes with generateAppStoreInformation, or swinfo", Err: err}
	}
	return d, nil
}

// ParseDescription reads a description.
func ParseDescription(content []byte) (Description, error) {
	d := Description{Content: content, Binary: bytes.HasPrefix(content, []byte("bplist"))}
	var top DescribedBundle
	if err := decodePlist(content, &top); err != nil {
		return d, err
	}
	var members map[string]describedBundles
	if err := decodePlist(content, &members); err != nil {
		return d, err
	}
	all := []DescribedBundle{top}
	for _, bundles := range members {
		all = append(all, bundles...)
	}
	for _, b := range all {
		if b.id() != "" {
			d.Bundles = append(d.Bundles, b)
		}
	}
	return d, nil
}

// Contradicts says in what a description is not that of a package, or "". A
// description that names no bundle contradicts nothing.
func (d Description) Contradicts(bundleID, shortVersion, buildVersion string) string {
	named := ""
	for _, b := range d.Bundles {
		switch {
		case b.id() != bundleID:
			named = b.id()
		case b.ShortVersion != "" && CompareVersions(string(b.ShortVersion), shortVersion) != 0:
			return fmt.Sprintf("it describes version %s, not %s", clip(string(b.ShortVersion)), clip(shortVersion))
		case b.BuildVersion != "" && CompareVersions(string(b.BuildVersion), buildVersion) != 0:
			return fmt.Sprintf("it describes build number %s, not %s", clip(string(b.BuildVersion)), clip(buildVersion))
		default:
			return ""
		}
	}
	if named != "" {
		return fmt.Sprintf("it describes %s, not %s", shorten(named, maxValue), shorten(bundleID, maxValue))
	}
	return ""
}
