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

// inspectZip reads an .ipa or a zipped app.
func inspectZip(r io.ReaderAt, size int64) (Info, error) {
	archive, err := openZip(r, size)
	if err != nil {
		return Info{}, &Error{Reason: "the zip file cannot be read", Hint: "copy or download the package again, and compare its size", Err: err}
	}
	apps := map[string]appPlace{}
	plists := map[string]zipEntry{}
	hasPayload := false
	err = archive.walk(func(e zipEntry) error {
		if e.name == "Payload/" || strings.HasPrefix(e.name, "Payload/") {
			hasPayload = true
		}
		place, ok := placeOf(e.name)
		if !ok {
			return nil
		}
		if len(apps) >= maxCandidates {
			return errors.New("there are too many apps in it")
		}
		apps[place.app] = place
		if place.plist {
			plists[place.app] = e
		}
		return nil
	})
	if err != nil {
		return Info{}, &Error{Reason: "the zip file cannot be read", Err: err}
	}
	place, err := chooseApp(apps, hasPayload)
	if err != nil {
		return Info{}, err
	}
	info := Info{Kind: ZIP, App: place.app}
	if place.payload {
		info.Kind = IPA
	}
	if place.wrapped {
		info.Warnings = append(info.Warnings, fmt.Sprintf("the Payload folder is inside %q instead of at the top of the archive: it was packed by hand, and Apple may refuse it", path.Dir(path.Dir(place.app))))
	}
	entry, ok := plists[place.app]
	if !ok {
		return info, &Error{Reason: place.app + " has no Info.plist", Hint: "the app is incomplete: export it again"}
	}
	content, err := archive.read(entry, maxPlist)
	if err != nil {
		return info, &Error{Reason: "the app's Info.plist cannot be read", Err: err}
	}
	p, err := parseInfoPlist(content)
	if err != nil {
		return info, &Error{Reason: "the app's Info.plist cannot be read", Err: err}
	}
	return info, p.fill(&info)
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
