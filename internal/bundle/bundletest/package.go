package bundletest

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A Package is a signed package that Apple would take, until a test changes
// something in it.
type Package struct {
	// Bundles are the app and what is nested in it, the app first.
	Bundles []*Bundle
	// Beside are files outside of the app.
	Beside []File
	// Mac lays the bundles out as macOS does. Installer signs the package then.
	Mac       bool
	Installer *Identity
}

// A Bundle is one bundle of a package.
type Bundle struct {
	// Path is its folder inside the app, "" for the app.
	Path string
	// Info is nil to leave the Info.plist out.
	Info Plist
	// Program is nil to leave it out.
	Program *Program
	// Executable replaces the program, if it is not nil.
	Executable []byte
	// Profile is the list of the profile, nil for none.
	Profile Plist
	// Unsealed leaves the list of hashes out.
	Unsealed bool
	// Mode is that of the program.
	Mode fs.FileMode
	// Files are further ones, with paths inside the bundle.
	Files []File
}

// Bundle returns the bundle at a path.
func (p *Package) Bundle(path string) *Bundle {
	for _, b := range p.Bundles {
		if b.Path == path {
			return b
		}
	}
	panic("there is no bundle " + path)
}

// App returns the app.
func (p *Package) App() *Bundle { return p.Bundles[0] }

// SignedIOS is an iOS app with an extension and a framework.
func SignedIOS(bundleID, version, build string) *Package {
	app := IOS(bundleID, version, build).With("UIDeviceFamily", []int{1, 2}).With("UILaunchScreen", map[string]any{}).
		With("CFBundleIcons", map[string]any{"CFBundlePrimaryIcon": map[string]any{"CFBundleIconName": "AppIcon", "CFBundleIconFiles": []string{"AppIcon60x60"}}}).
		With("DTSDKName", "iphoneos26.0").With("DTXcode", "2600").With("DTXcodeBuild", "17A324").With("DTSDKBuild", "23A339")
	share := app.With("CFBundleIdentifier", bundleID+".Share").With("CFBundleExecutable", "Share").With("CFBundlePackageType", "XPC!").
		With("NSExtension", map[string]any{"NSExtensionPointIdentifier": "com.apple.share-services"}).With("CFBundleIcons", nil).With("UILaunchScreen", nil)
	kit := Plist{
		"CFBundleIdentifier": bundleID + ".Kit", "CFBundleShortVersionString": "1.0", "CFBundleVersion": "1", "CFBundleExecutable": "Kit",
		"CFBundlePackageType": "FMWK", "CFBundleSupportedPlatforms": []string{"iPhoneOS"}, "MinimumOSVersion": "16.0",
	}
	return &Package{Bundles: []*Bundle{
		{Info: app, Program: program(bundleID), Profile: StoreProfile(bundleID), Files: []File{{Name: "AppIcon60x60@2x.png", Content: []byte("icon")}, {Name: "PkgInfo", Content: []byte("APPL????")}}},
		{Path: "PlugIns/Share.appex", Info: share, Program: program(bundleID + ".Share"), Profile: StoreProfile(bundleID + ".Share")},
		{Path: "Frameworks/Kit.framework", Info: kit, Program: &Program{MinimumOS: "16.0", SDK: "26.0", Signing: &Signing{Identifier: bundleID + ".Kit", Team: Team, By: DistributionIdentity()}}},
	}}
}

func program(bundleID string) *Program {
	return &Program{
		MinimumOS: "16.0", SDK: "26.0", Libraries: []string{"/System/Library/Frameworks/UIKit.framework/UIKit", "@rpath/Kit.framework/Kit"},
		Signing: &Signing{Identifier: bundleID, Team: Team, By: DistributionIdentity(), Entitlements: Plist{
			"application-identifier": Team + "." + bundleID, "com.apple.developer.team-identifier": Team, "get-task-allow": false, "beta-reports-active": true,
			"keychain-access-groups": []string{Team + "." + bundleID},
		}},
	}
}

// SignedMac is a Mac app with a service.
func SignedMac(bundleID, version, build string) *Package {
	app := Mac(bundleID, version, build).With("LSApplicationCategoryType", "public.app-category.utilities").With("CFBundleIconFile", "AppIcon")
	entitlements := Plist{"com.apple.security.app-sandbox": true, "com.apple.application-identifier": Team + "." + bundleID}
	program := func(id string, entitlements Plist) *Program {
		return &Program{Platform: MachOMacOS, MinimumOS: "13.0", SDK: "26.0", Signing: &Signing{Identifier: id, Team: Team, By: DistributionIdentity(), Entitlements: entitlements}}
	}
	return &Package{Mac: true, Installer: &Identity{"3rd Party Mac Developer Installer: Example (ABCDE12345)", Team, farAway()}, Bundles: []*Bundle{
		{Info: app, Program: program(bundleID, entitlements), Files: []File{{Name: "Contents/Resources/AppIcon.icns", Content: []byte("icns")}}},
		{Path: "Contents/XPCServices/Work.xpc", Info: Mac(bundleID+".Work", version, build).With("CFBundleExecutable", "Work"), Program: program(bundleID+".Work", Plist{"com.apple.security.app-sandbox": true})},
	}}
}

// files lays the app out, with paths that begin with its folder.
func (p *Package) files() []File {
	var out []File
	for _, b := range p.Bundles {
		root := path.Join("Demo.app", b.Path)
		inner, programs := root, root
		if p.Mac {
			inner, programs = root+"/Contents", root+"/Contents/MacOS"
		}
		if b.Info != nil {
			out = append(out, File{Name: inner + "/Info.plist", Content: b.Info.Encode(Binary), Mode: 0o644})
		}
		name, _ := b.Info["CFBundleExecutable"].(string)
		if name == "" {
			name = strings.TrimSuffix(path.Base(root), path.Ext(root))
		}
		mode := b.Mode
		if mode == 0 {
			mode = 0o755
		}
		switch {
		case b.Executable != nil:
			out = append(out, File{Name: programs + "/" + name, Content: b.Executable, Mode: mode})
		case b.Program != nil:
			out = append(out, File{Name: programs + "/" + name, Content: b.Program.Encode(), Mode: mode})
		}
		if b.Profile != nil {
			profile := "embedded.mobileprovision"
			if p.Mac {
				profile = "embedded.provisionprofile"
			}
			out = append(out, File{Name: inner + "/" + profile, Content: Profile(b.Profile), Mode: 0o644})
		}
		if !b.Unsealed {
			out = append(out, File{Name: inner + "/_CodeSignature/CodeResources", Content: Plist{"files2": map[string]any{}}.Encode(XML), Mode: 0o644})
		}
		for _, f := range b.Files {
			f.Name = root + "/" + f.Name
			if f.Mode == 0 {
				f.Mode = 0o644
			}
			out = append(out, f)
		}
	}
	return out
}

// IPA packs the package for iOS.
func (p *Package) IPA() []byte {
	var files []File
	for _, f := range p.files() {
		f.Name = "Payload/" + f.Name
		files = append(files, f)
	}
	return Zip(append(files, p.Beside...)...)
}

// PKG packs the package for macOS, as a product archive.
func (p *Package) PKG() []byte {
	files := []File{{Name: "."}}
	for _, f := range p.files() {
		f.Name = "./" + f.Name
		files = append(files, f)
	}
	text := func(key string) string { s, _ := p.App().Info[key].(string); return s }
	content := []File{
		Distribution(text("CFBundleIdentifier"), text("CFBundleShortVersionString"), text("CFBundleVersion")),
		{Name: "Demo.pkg/PackageInfo", Content: []byte(`<pkg-info identifier="` + text("CFBundleIdentifier") + `" version="` + text("CFBundleShortVersionString") + `"/>`)},
		{Name: "Demo.pkg/Payload", Content: Gzip(Cpio(files...)), Stored: true},
	}
	content = slices.Concat(content, p.Beside)
	if p.Installer == nil {
		return Xar(content...)
	}
	return SignedXar(*p.Installer, content...)
}
