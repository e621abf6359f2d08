package bundle

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// maxCandidates bounds how many apps a zip file may seem to hold.
const maxCandidates = 1000

// unchanged is the hint for packages that no tool of Apple's makes.
const unchanged = "use the package that xcodebuild -exportArchive makes, unchanged"

// appPlace is the outermost .app of a path inside a zip file.
type appPlace struct {
	// app is the path of the .app folder.
	app string
	// payload tells whether the .app lies directly in a Payload folder, as in
	// an .ipa. wrapped tells whether that folder is not at the top.
	payload, wrapped bool
	// plist tells whether the path is the app's own Info.plist.
	plist bool
}

// placeOf finds the outermost .app of a path. Watch apps and extensions lie
// inside another bundle and so are never the outermost one.
func placeOf(name string) (appPlace, bool) {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		switch {
		case part == "__MACOSX":
			return appPlace{}, false // Finder's shadow copies
		case strings.HasSuffix(part, ".app") && part != ".app" && (i < len(parts)-1):
			rest := parts[i+1:]
			payload := i > 0 && parts[i-1] == "Payload"
			return appPlace{
				app:     strings.Join(parts[:i+1], "/"),
				payload: payload,
				wrapped: payload && i > 1,
				plist: len(rest) == 1 && rest[0] == "Info.plist" ||
					len(rest) == 2 && rest[0] == "Contents" && rest[1] == "Info.plist",
			}, true
		}
	}
	return appPlace{}, false
}

// zipContents are the files of the apps in a zip archive, and what lies beside
// them.
type zipContents struct {
	apps                  map[string]appPlace
	files                 contents
	entries               []zipEntry
	hasPayload            bool
	swiftSupport, symbols bool
	clutter               []Oddity
}

// list reads the directory of the archive once.
func (z *zipContents) list(archive *zipArchive) error {
	names := 0
	return archive.walk(func(e zipEntry) error {
		z.hasPayload = z.hasPayload || strings.HasPrefix(e.name, "Payload/")
		z.swiftSupport = z.swiftSupport || strings.HasPrefix(e.name, "SwiftSupport/")
		z.symbols = z.symbols || strings.HasPrefix(e.name, "Symbols/")
		if top, _, _ := strings.Cut(e.name, "/"); top == "__MACOSX" {
			if len(z.clutter) == 0 {
				z.clutter = append(z.clutter, Oddity{Rule: "package-clutter", Path: top, Value: "Finder's copies of file attributes"})
			}
			return nil
		}
		if !strings.Contains(e.name, ".app/") {
			return nil
		}
		if err := checkPath(e.name); err != nil {
			return err
		}
		place, ok := placeOf(e.name)
		if !ok {
			return nil
		}
		if _, known := z.apps[place.app]; !known && len(z.apps) >= maxCandidates {
			return errors.New("there are too many apps in it")
		}
		if z.apps[place.app] = place; len(z.files.files) >= maxFiles || names > maxNames {
			z.files.partial = "there are too many files to look at them all"
			return nil
		}
		names += len(e.name)
		z.files.files = append(z.files.files, file{path: strings.TrimSuffix(e.name, "/"), size: e.unpacked, mode: e.fileMode(), ref: len(z.entries)})
		z.entries = append(z.entries, e)
		return nil
	})
}

// fileMode is the mode of an entry. The name of a folder ends with a slash.
func (e zipEntry) fileMode() uint16 {
	if strings.HasSuffix(e.name, "/") {
		return typeFolder | e.mode&0o777
	}
	return e.mode
}

// inspectZip reads an .ipa or a zipped app.
func inspectZip(r io.ReaderAt, size int64, spend budgets) (Info, error) {
	archive, err := openZip(r, size)
	if err != nil {
		return Info{}, &Error{Reason: "the zip file cannot be read", Hint: "copy or download the package again, and compare its size", Err: err}
	}
	listing := zipContents{apps: map[string]appPlace{}}
	if err := listing.list(archive); err != nil {
		return Info{}, &Error{Reason: "the zip file cannot be read", Hint: unchanged, Err: err}
	}
	place, err := chooseApp(listing.apps, listing.hasPayload)
	if err != nil {
		return Info{}, err
	}
	info := Info{Kind: ZIP, App: place.app, SwiftSupport: listing.swiftSupport, Symbols: listing.symbols, Oddities: listing.clutter}
	if place.payload {
		info.Kind = IPA
	}
	if place.wrapped {
		info.Oddities = append(info.Oddities, Oddity{Rule: "package-layout", Path: path.Dir(path.Dir(place.app)), Value: "the Payload folder lies in another folder instead of at the top of the archive"})
	}
	source := &zipSource{archive: archive, entries: listing.entries, budgets: spend}
	files := listing.files
	files.source, files.looked = source, spend.looked
	files.sort()
	return info, info.examine(&files)
}

// examine reads the app at info.App and everything inside it. The app has to
// have an Info.plist.
func (i *Info) examine(files *contents) error {
	i.Bundles = readBundles(files, i.App)
	app := i.app()
	switch {
	case app.unread:
		return &Error{Reason: "there are more property lists, profiles and links in it than are read of one package", Hint: unchanged, Err: errTooLarge}
	case app.plistPath == "":
		return &Error{Reason: i.App + " has no Info.plist", Hint: "the app is incomplete: export it again"}
	case app.plistProblem != nil:
		return &Error{Reason: "the app's Info.plist cannot be read", Err: app.plistProblem}
	}
	i.examineFiles(files)
	i.Partial = files.partial
	return app.list.fill(i)
}

// chooseApp picks the app that the package is about: the one in Payload that
// is least deep, or the only one.
func chooseApp(apps map[string]appPlace, hasPayload bool) (appPlace, error) {
	var candidates []appPlace
	for _, place := range apps {
		candidates = append(candidates, place)
	}
	if slices.ContainsFunc(candidates, func(p appPlace) bool { return p.payload }) {
		candidates = slices.DeleteFunc(candidates, func(p appPlace) bool { return !p.payload })
	}
	depth := func(p appPlace) int { return strings.Count(p.app, "/") }
	slices.SortFunc(candidates, func(a, b appPlace) int {
		if d := depth(a) - depth(b); d != 0 {
			return d
		}
		return strings.Compare(a.app, b.app)
	})
	switch {
	case len(candidates) == 0 && hasPayload:
		return appPlace{}, &Error{Reason: "the Payload folder holds no .app", Hint: "the export is incomplete: export the archive again"}
	case len(candidates) == 0:
		return appPlace{}, &Error{Reason: "there is no app in this zip file: an .ipa has Payload/<name>.app", Hint: "is this an archive of symbols or sources instead of the app?"}
	case len(candidates) > 1 && depth(candidates[0]) == depth(candidates[1]):
		return appPlace{}, &Error{Reason: fmt.Sprintf("there is more than one app in it: %s and %s", candidates[0].app, candidates[1].app), Hint: "Apple takes one app per package"}
	}
	return candidates[0], nil
}
