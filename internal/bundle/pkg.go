package bundle

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

const (
	// maxPkgXML bounds what is read of Distribution and PackageInfo, in bytes,
	// of all that there are.
	maxPkgXML = 4 << 20
	// They may have minPkgXML bytes, and pkgXMLFor for each of the package.
	minPkgXML = 512 << 10
	pkgXMLFor = 32
	// maxPkgBundles bounds how many bundles each of them may name.
	maxPkgBundles = 10_000
	// maxPayloads bounds how many payloads are looked at.
	maxPayloads = 32
	// maxComponents bounds how many components are named.
	maxComponents = 100
)

// pkgBundle is a bundle that a Distribution or a PackageInfo names.
type pkgBundle struct {
	ID           string `xml:"id,attr"`
	Identifier   string `xml:"CFBundleIdentifier,attr"`
	ShortVersion string `xml:"CFBundleShortVersionString,attr"`
	BuildVersion string `xml:"CFBundleVersion,attr"`
	Path         string `xml:"path,attr"`
}

// pkgBundles are all bundles of an element.
type pkgBundles []pkgBundle

// UnmarshalXML reads one more.
func (b *pkgBundles) UnmarshalXML(decoder *xml.Decoder, start xml.StartElement) error {
	if len(*b) >= maxPkgBundles {
		return errTooLarge
	}
	var one pkgBundle
	if err := decoder.DecodeElement(&one, &start); err != nil {
		return err
	}
	*b = append(*b, one)
	return nil
}

func (b pkgBundle) id() string {
	if b.ID != "" {
		return b.ID
	}
	return b.Identifier
}

// distribution is the part of a product archive's Distribution that matters.
type distribution struct {
	XMLName xml.Name
	Product struct {
		ID      string `xml:"id,attr"`
		Version string `xml:"version,attr"`
	} `xml:"product"`
	Title   string `xml:"title"`
	PkgRefs []struct {
		ID      string `xml:"id,attr"`
		Bundles struct {
			Bundles pkgBundles `xml:"bundle"`
		} `xml:"bundle-version"`
	} `xml:"pkg-ref"`
	AllowedOS []struct {
		Min string `xml:"min,attr"`
	} `xml:"volume-check>allowed-os-versions>os-version"`
}

// packageInfo is the part of a component package's PackageInfo that matters.
type packageInfo struct {
	XMLName    xml.Name
	Identifier string     `xml:"identifier,attr"`
	Version    string     `xml:"version,attr"`
	Bundles    pkgBundles `xml:"bundle"`
}

// inspectPkg reads a macOS installer package: what its Distribution and
// PackageInfo say, and above both what the app's own Info.plist in the payload
// says, since that is what Apple reads.
func inspectPkg(r io.ReaderAt, size int64, spend budgets) (Info, error) {
	archive, err := openXar(r, size)
	if err != nil {
		return Info{}, &Error{Reason: "the installer package cannot be read", Hint: "copy or download the package again, and compare its size", Err: err}
	}
	info := Info{Kind: PKG, Platform: MacOS}
	product, bundles, found, err := readPkgXML(archive, &info)
	if err != nil {
		return info, err
	}
	if main, ok := chooseBundle(product, bundles); ok {
		info.BundleID, info.ShortVersion, info.BuildVersion = main.id(), main.ShortVersion, main.BuildVersion
		info.App = strings.TrimPrefix(path.Clean(main.Path), "./")
	}
	info.Installer = &Installer{Signed: archive.signed, Certificate: archive.signer, Components: components(archive)}
	if info.BuildVersion == "" || info.ShortVersion == "" {
		spend.unpacked.limit = searchAllowance(archive.size) // there is no other place to find them
	}
	files, app, err := findPayload(archive, info.BundleID, spend)
	switch {
	case err == nil:
		info.App = app
		if err := info.examine(files); err != nil {
			return info, err
		}
		info.Platform = MacOS
	case errors.Is(err, errNoPayloadApp) && info.BuildVersion != "":
		// The Distribution is enough.
	case errors.Is(err, errNoPayloadApp) && !found:
		return info, &Error{Reason: "the installer package has neither a Distribution nor a PackageInfo, and no app", Hint: "make it with xcodebuild -exportArchive or productbuild"}
	case errors.Is(err, errNoPayloadApp):
		return info, &Error{Reason: "the installer package holds no app with a version and a build number", Hint: "a package for the Mac App Store holds one app: make it with xcodebuild -exportArchive or productbuild"}
	case info.BuildVersion != "":
		info.Oddities = append(info.Oddities, Oddity{Rule: "package-layout", Path: "Payload", Value: fmt.Sprintf("the payload cannot be read (%v): versions are taken from the Distribution", brief(err))})
	default:
		return info, &Error{Reason: "the payload of the installer package cannot be read", Err: err}
	}
	if info.BundleID == "" {
		info.BundleID = product
	}
	return info, nil
}

// An Installer is what an installer package says about itself.
type Installer struct {
	Signed bool `json:"signed"`
	// Certificate is that of the signer, nil if it is unsigned or cannot be
	// read.
	Certificate *Certificate `json:"certificate"`
	// Components are the names of the component packages inside.
	Components []string `json:"components"`
}

func components(archive *xarArchive) []string {
	names := []string{}
	for _, entry := range archive.files {
		if len(names) < maxComponents && path.Base(entry.path) == "PackageInfo" && path.Dir(entry.path) != "." {
			names = append(names, path.Dir(entry.path))
		}
	}
	return names
}

// readPkgXML reads every Distribution and PackageInfo of a package. found
// tells whether there was any.
func readPkgXML(archive *xarArchive, info *Info) (product string, bundles []pkgBundle, found bool, err error) {
	spend := newBudget(min(maxPkgXML, minPkgXML+pkgXMLFor*archive.size))
	for _, entry := range archive.files {
		base := path.Base(entry.path)
		if base != "Distribution" && base != "PackageInfo" {
			continue
		}
		content, err := archive.read(entry, maxPkgXML, spend)
		if errors.Is(err, errTooLarge) || len(bundles) > maxPkgBundles {
			return "", nil, false, &Error{Reason: "there is more in the Distribution and PackageInfo files of the installer package than is read", Hint: unchanged, Err: errTooLarge}
		}
		if err != nil {
			return "", nil, false, &Error{Reason: "the installer package cannot be read", Hint: unchanged, Err: err}
		}
		found = true
		if base == "PackageInfo" {
			var p packageInfo
			if err := xml.Unmarshal(content, &p); err != nil {
				return "", nil, false, &Error{Reason: entry.path + " in the installer package is not XML", Err: err}
			}
			bundles = append(bundles, p.Bundles...)
			continue
		}
		var d distribution
		if err := xml.Unmarshal(content, &d); err != nil {
			return "", nil, false, &Error{Reason: entry.path + " in the installer package is not XML", Err: err}
		}
		product = d.Product.ID
		if info.Name == "" {
			info.Name = d.Title
		}
		if info.ShortVersion == "" {
			info.ShortVersion = d.Product.Version
		}
		for _, ref := range d.PkgRefs {
			bundles = append(bundles, ref.Bundles.Bundles...)
		}
		for _, allowed := range d.AllowedOS {
			info.MinimumOS = allowed.Min
		}
	}
	return product, bundles, found, nil
}

// chooseBundle picks the app among the bundles a package names: the one with
// the product's id, else the only .app that lies in no other bundle.
func chooseBundle(product string, bundles []pkgBundle) (pkgBundle, bool) {
	for _, b := range bundles {
		if product != "" && b.id() == product && b.BuildVersion != "" {
			return b, true
		}
	}
	var apps []pkgBundle
	for _, b := range bundles {
		if strings.HasSuffix(b.Path, ".app") && strings.Count(b.Path, ".app") == 1 && b.BuildVersion != "" {
			apps = append(apps, b)
		}
	}
	apps = slices.CompactFunc(apps, func(a, b pkgBundle) bool { return a.id() == b.id() })
	if len(apps) == 1 {
		return apps[0], true
	}
	return pkgBundle{}, false
}

var errNoPayloadApp = errors.New("no app in the payload")

// findPayload reads the payloads until one has an app, the one with that
// bundle id if it is known.
func findPayload(archive *xarArchive, bundleID string, spend budgets) (*contents, string, error) {
	// What is unpacked on the way counts as well: a payload may be compressed
	// twice, and be large only in between.
	stored := newBudget(spend.unpacked.limit)
	payloads := 0
	for _, entry := range archive.files {
		if path.Base(entry.path) != "Payload" {
			continue
		}
		if payloads++; payloads > maxPayloads {
			return nil, "", fmt.Errorf("there are more than %d payloads in it", maxPayloads)
		}
		r, err := archive.open(entry)
		if err != nil {
			return nil, "", err
		}
		unpacked, err := unpackPayload(&budgetReader{r, stored})
		if err != nil {
			return nil, "", err
		}
		files, err := readPayload(&cpioReader{r: &budgetReader{unpacked, spend.unpacked}}, spend)
		if err != nil {
			return nil, "", err
		}
		if app, ok := payloadApp(files, bundleID); ok {
			return files, app, nil
		}
	}
	return nil, "", errNoPayloadApp
}

// payloadApp finds the outermost app with a bundle id, or the first one.
func payloadApp(files *contents, bundleID string) (string, bool) {
	for _, f := range files.files {
		if path.Base(f.path) != "Info.plist" {
			continue
		}
		place, ok := placeOf(f.path)
		if !ok || !place.plist {
			continue
		}
		content, err := files.read(f, maxPlist)
		if err != nil {
			continue
		}
		if p, err := parseInfoPlist(content); err == nil && (bundleID == "" || string(p.Identifier) == bundleID) {
			return place.app, true
		}
	}
	return "", false
}

// unpackPayload recognises the compression of a payload.
func unpackPayload(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	magic, _ := buffered.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(buffered)
	case string(magic) == "pbzx":
		return &pbzxReader{r: buffered}, nil
	}
	return buffered, nil
}
