package bundle

import (
	"errors"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// A BundleKind says what a bundle in a package is.
type BundleKind string

// The kinds of bundle.
const (
	KindApp       BundleKind = "app"
	KindExtension BundleKind = "extension"
	KindWatchApp  BundleKind = "watch-app"
	KindAppClip   BundleKind = "app-clip"
	KindFramework BundleKind = "framework"
	KindHelper    BundleKind = "helper"
	KindService   BundleKind = "xpc-service"
	KindSystem    BundleKind = "system-extension"
	KindLibrary   BundleKind = "library"
)

const (
	maxBundles = 500
	// maxIcons bounds how many names of icons are looked for; real apps have a
	// few.
	maxIcons = 50
	// maxPlatforms bounds how many platforms are told; there are five.
	maxPlatforms = 20
	// maxIconSteps bounds how many files and folders are looked at for them.
	maxIconSteps = 1000
	// How far into a compressed program its signature is followed: those of
	// apps and extensions carry entitlements, those of frameworks none.
	reachApp       = 256 << 20
	reachFramework = 4 << 20

	privacyManifest = "PrivacyInfo.xcprivacy"
)

// A Bundle is the app, or a bundle or library inside it.
type Bundle struct {
	// Path is its folder in the package.
	Path string     `json:"path"`
	Kind BundleKind `json:"kind"`
	// Parent is the path of the bundle that it lies in, "" for the app.
	Parent       string   `json:"parent,omitempty"`
	BundleID     string   `json:"bundle_id"`
	ShortVersion string   `json:"version"`
	BuildVersion string   `json:"build_number"`
	Name         string   `json:"name"`
	Platforms    []string `json:"platforms"`
	MinimumOS    string   `json:"minimum_os"`
	// SDK, Xcode and their builds are what it was made with, as Info.plist
	// says.
	SDK            string `json:"sdk"`
	SDKBuild       string `json:"sdk_build"`
	Xcode          string `json:"xcode"`
	XcodeBuild     string `json:"xcode_build"`
	ExtensionPoint string `json:"extension_point,omitempty"`
	// Executable is nil if it has none.
	Executable *Executable `json:"executable"`
	Profile    *Profile    `json:"profile"`
	// HashedFiles tells whether it has _CodeSignature/CodeResources.
	HashedFiles     bool     `json:"hashed_files"`
	PrivacyManifest bool     `json:"privacy_manifest"`
	Icons           []string `json:"icons"`
	LaunchScreen    string   `json:"launch_screen,omitempty"`
	Category        string   `json:"category,omitempty"`
	// Bytes is what it takes unpacked, with everything inside.
	Bytes int64 `json:"bytes"`

	list         infoPlist
	plistPath    string
	plistProblem error
	profilePath  string
	profileError error
	// unread tells that documents of it were not read, since there are too many
	// in the package.
	unread bool
	// macLayout tells that its files lie in Contents or Versions.
	macLayout bool
}

// suffixes are those of the folders that are bundles.
var suffixes = map[string]BundleKind{
	".app": KindApp, ".appex": KindExtension, ".framework": KindFramework, ".xpc": KindService, ".systemextension": KindSystem, ".dext": KindSystem,
}

// readBundles reads the app at a path and everything inside it, the app first.
func readBundles(c *contents, app string) []Bundle {
	c.looked.limit = looksAtLeast + looksFor*int64(len(c.files))
	roots := map[string]BundleKind{app: KindApp}
	bundles := []Bundle{{Path: app, Kind: KindApp}}
	for _, f := range c.under(app) {
		for at := len(app) + 1; ; {
			slash := strings.IndexByte(f.path[at:], '/')
			if slash < 0 {
				break
			}
			at += slash
			root := f.path[:at]
			at++
			kind, ok := suffixes[path.Ext(root)]
			if !ok {
				continue // most folders, so that only names of bundles are looked up
			}
			if _, known := roots[root]; known {
				continue
			}
			if len(bundles) >= maxBundles {
				c.partial = "there are too many bundles to look at them all"
				break
			}
			kind = placeKind(root, kind)
			roots[root] = kind
			bundles = append(bundles, Bundle{Path: root, Kind: kind})
		}
		if path.Ext(f.path) == ".dylib" && !f.symlink() && !f.folder() && len(bundles) < maxBundles {
			bundles = append(bundles, Bundle{Path: f.path, Kind: KindLibrary})
		}
	}
	var readers errgroup.Group
	readers.SetLimit(runtime.GOMAXPROCS(0))
	for i := range bundles {
		b := &bundles[i]
		for at := strings.LastIndexByte(b.Path, '/'); at >= len(app); at = strings.LastIndexByte(b.Path[:at], '/') {
			if _, ok := roots[b.Path[:at]]; ok {
				b.Parent = b.Path[:at]
				break
			}
		}
		readers.Go(func() error {
			b.read(c)
			return nil
		})
	}
	_ = readers.Wait() // what cannot be read is in the bundle
	if slices.ContainsFunc(bundles, func(b Bundle) bool { return b.unread }) {
		c.partial = "there is more in it than is read of one package"
	}
	return bundles
}

// placeKind refines what a nested bundle is by where it lies.
func placeKind(root string, kind BundleKind) BundleKind {
	if kind != KindApp {
		return kind
	}
	switch path.Base(path.Dir(root)) {
	case "Watch":
		return KindWatchApp
	case "AppClips":
		return KindAppClip
	}
	return KindHelper
}

// read fills a bundle from its files.
func (b *Bundle) read(c *contents) {
	b.Platforms, b.Icons = []string{}, []string{}
	if b.Kind == KindLibrary {
		if f, ok := c.find(b.Path); ok {
			b.Executable = c.program(f, reachFramework)
			b.Executable.Path = f.path
		}
		return
	}
	inside := c.under(b.Path)
	if c.looked.spend(int64(len(inside))) != nil {
		b.unread, inside = true, nil
	}
	for _, f := range inside {
		if !f.folder() {
			b.Bytes += f.size
		}
	}
	resources := b.findPlist(c)
	if f, ok := c.find(b.plistPath); ok {
		content, err := c.read(f, maxPlist)
		if err == nil {
			b.list, err = parseInfoPlist(content)
		}
		if errors.Is(err, errTooLarge) {
			b.unread, b.plistPath, err = true, "", nil
		}
		b.plistProblem = err
	}
	b.fill()
	_, b.PrivacyManifest = c.find(path.Join(resources, privacyManifest))
	b.readProgram(c)
	b.readSigning(c)
	b.findIcons(c, resources)
}

// findPlist finds where a bundle has its Info.plist, and returns its folder of
// resources.
func (b *Bundle) findPlist(c *contents) (resources string) {
	for _, place := range []struct{ plist, resources string }{
		{"Info.plist", "."}, {"Contents/Info.plist", "Contents/Resources"}, {"Versions/A/Resources/Info.plist", "Versions/A/Resources"},
		{"Versions/Current/Resources/Info.plist", "Versions/Current/Resources"}, {"Resources/Info.plist", "Resources"},
	} {
		if f, ok := c.find(path.Join(b.Path, place.plist)); ok && !f.folder() {
			b.plistPath, b.macLayout = f.path, place.resources != "."
			return path.Join(b.Path, place.resources)
		}
	}
	return b.Path
}

// fill copies what the Info.plist says.
func (b *Bundle) fill() {
	p := b.list
	b.BundleID, b.ShortVersion, b.BuildVersion = string(p.Identifier), string(p.ShortVersion), string(p.BuildVersion)
	b.Name = string(firstText(p.DisplayName, p.Name))
	b.Platforms = append(b.Platforms, p.SupportedPlatforms[:min(len(p.SupportedPlatforms), maxPlatforms)]...)
	b.MinimumOS = string(firstText(p.MinimumOSVersion, p.MinimumSystemVersion))
	b.SDK, b.SDKBuild, b.Xcode, b.XcodeBuild = string(p.SDKName), string(p.SDKBuild), string(p.Xcode), string(p.XcodeBuild)
	b.ExtensionPoint = string(firstText(p.Extension.is.Point, p.AppExtension.is.AppPoint))
	b.Category = string(p.Category)
	switch {
	case p.LaunchStoryboard != "":
		b.LaunchScreen = string(p.LaunchStoryboard)
	case p.has("UILaunchScreen"), p.has("UILaunchScreens"):
		b.LaunchScreen = "UILaunchScreen"
	}
	if p.has("NSAppClip") && b.Kind == KindHelper {
		b.Kind = KindAppClip
	}
}

func firstText(values ...text) text {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// programPath is where the program of a bundle should be.
func (b *Bundle) programPath() string {
	name := string(b.list.Executable)
	if name == "" {
		name = strings.TrimSuffix(path.Base(b.Path), path.Ext(b.Path))
	}
	switch {
	case !b.macLayout:
		return path.Join(b.Path, name)
	case b.Kind == KindFramework:
		return path.Join(path.Dir(path.Dir(b.plistPath)), name)
	}
	return path.Join(b.Path, "Contents/MacOS", name)
}

func (b *Bundle) readProgram(c *contents) {
	f, ok := c.find(b.programPath())
	if !ok || f.folder() {
		return
	}
	reach := int64(reachApp)
	if b.Kind == KindFramework {
		reach = reachFramework
	}
	b.Executable = c.program(f, reach)
	b.Executable.Path = f.path
	b.Executable.NotExecutable = f.mode != 0 && f.mode&executeByAny == 0
}

func (b *Bundle) readSigning(c *contents) {
	folders := []string{b.Path}
	if b.macLayout {
		folders = []string{path.Join(b.Path, "Contents"), path.Join(b.Path, "Versions/A"), path.Join(b.Path, "Versions/Current"), b.Path}
	}
	for _, folder := range folders {
		if _, ok := c.find(path.Join(folder, "_CodeSignature/CodeResources")); ok {
			b.HashedFiles = true
		}
		for _, name := range []string{"embedded.mobileprovision", "embedded.provisionprofile"} {
			f, ok := c.find(path.Join(folder, name))
			if !ok || b.profilePath != "" {
				continue
			}
			b.profilePath = f.path
			content, err := c.read(f, maxCMS)
			if err == nil {
				b.Profile, err = parseProfile(content)
			}
			switch {
			case errors.Is(err, errTooLarge):
				b.unread = true
			case err != nil:
				b.profileError = err
			default:
				b.Profile.Path = f.path
			}
		}
	}
}

// findIcons lists the icons that the Info.plist names: a name in the asset
// catalogue, or files.
func (b *Bundle) findIcons(c *contents, resources string) {
	primary := b.list.Icons.is.Primary.is
	if name := firstText(b.list.IconName, primary.Name); name != "" {
		b.Icons = append(b.Icons, string(name))
	}
	names := slices.Concat(texts{string(b.list.IconFile)}, primary.Files, b.list.IconFiles)
	steps := maxIconSteps
	for _, name := range names[:min(len(names), maxIcons)] {
		if name == "" {
			continue
		}
		prefix := resources + "/" + strings.TrimSuffix(name, path.Ext(name))
		for i := c.from(prefix); i < len(c.files) && steps > 0 && len(prefix) < maxPath && c.looked.spend(1) == nil; steps-- {
			rest, ok := strings.CutPrefix(c.files[i].path, prefix)
			if !ok {
				break
			}
			folder, _, inside := strings.Cut(rest, "/")
			if inside { // all that lies in a folder of such a name
				i = c.from(prefix + folder + "0") // 0 follows /
				continue
			}
			b.Icons = append(b.Icons, path.Base(c.files[i].path))
			i++
		}
	}
}
