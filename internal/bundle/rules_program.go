package bundle

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// programRules are about programs: where they are, what they run on, and what
// they were made with.
func programRules() []Rule {
	return []Rule{
		{
			ID: "program-missing", Severity: SeverityInfo, lax: true,
			Title:  "There is a program in the package.",
			Remedy: "upload what xcodebuild -exportArchive makes: Apple refuses a package without a program, which is good for trying things out only",
			check: func(c *checker) {
				if bare(c.info) {
					c.report(c.info.App, "", "the package holds no program, no signature and no profile, so nothing about them was checked")
				}
			},
		},
		{
			ID: "executable-missing", Severity: SeverityError,
			Title:  "Every bundle has the program that its Info.plist names.",
			Remedy: "set CFBundleExecutable to $(EXECUTABLE_NAME), and make sure that the target is built for a device",
			check: func(c *checker) {
				for _, b := range c.bundles(append(own(), KindFramework)...) {
					if b.Executable == nil && c.info.Partial == "" && b.plistPath != "" {
						c.report(b.programPath(), string(b.list.Executable), "the program of %s is missing", b.Path)
					}
				}
			},
		},
		{
			ID: "executable-damaged", Codes: []string{"90209", "90125"}, Severity: SeverityError,
			Title:  "Programs are Mach-O files.",
			Remedy: "build and export again; if a step of yours changes programs after the build, leave it out",
			check: func(c *checker) {
				for _, b := range c.bundles() {
					if b.Executable != nil && b.Executable.Problem != "" {
						c.report(b.Executable.Path, "", "the program cannot be read: %s", b.Executable.Problem)
					}
				}
			},
		},
		{
			ID: "executable-mode", Severity: SeverityError,
			Title:  "Programs may be executed.",
			Remedy: "keep file permissions when packing (zip does, many upload steps of CI artifacts do not)",
			check: func(c *checker) {
				for _, b := range c.programs(own()...) {
					if b.Executable.NotExecutable {
						c.report(b.Executable.Path, "", "the program is not executable")
					}
				}
			},
		},
		{
			ID: "simulator-program", Codes: []string{"90542"}, Severity: SeverityError,
			Title:  "Programs are for devices, not for a simulator.",
			Remedy: "archive for a device (xcodebuild archive -destination 'generic/platform=iOS'), and embed XCFrameworks instead of joined libraries",
			check: func(c *checker) {
				for _, b := range c.programs() {
					for _, s := range b.Executable.Slices {
						if strings.HasSuffix(s.Platform, "simulator") {
							c.report(b.Executable.Path, s.Platform, "the program is for the %s (%s)", s.Platform, s.Architecture)
						}
					}
				}
			},
		},
		{
			ID: "architecture", Codes: []string{"90087"}, Severity: SeverityError,
			Title:  "Programs for devices have no slices for Intel processors.",
			Remedy: "strip the slices (lipo -remove), or embed the XCFramework of the library",
			check: func(c *checker) {
				for _, b := range c.programs() {
					for _, s := range b.Executable.Slices {
						if intel := s.Architecture == "x86_64" || s.Architecture == "i386"; intel && c.mobile() && !strings.HasSuffix(s.Platform, "simulator") {
							c.report(b.Executable.Path, s.Architecture, "the program has a slice for %s", s.Architecture)
						}
					}
				}
			},
		},
		{
			ID: "arm64-missing", Codes: []string{"90085"}, Severity: SeverityError,
			Title:  "Programs for devices have a 64-bit slice.",
			Remedy: "set ARCHS to $(ARCHS_STANDARD) and EXCLUDED_ARCHS to nothing for devices",
			check: func(c *checker) {
				for _, b := range c.programs(KindApp, KindExtension, KindAppClip, KindFramework) {
					if named := architectures(b); c.mobile() && len(named) > 0 && !slices.ContainsFunc(named, func(a string) bool { return strings.HasPrefix(a, "arm64") }) {
						c.report(b.Executable.Path, strings.Join(named, " "), "the program has no slice for arm64, only for %s", strings.Join(named, " "))
					}
				}
			},
		},
		{
			ID: "program-encrypted", Severity: SeverityError,
			Title:  "Programs are not encrypted by the App Store.",
			Remedy: "upload your own export, not an app that was downloaded from the store",
			check: func(c *checker) {
				for _, b := range c.programs() {
					if slices.ContainsFunc(b.Executable.Slices, func(s Slice) bool { return s.Encrypted }) {
						c.report(b.Executable.Path, "", "the program is encrypted: it was downloaded from the App Store")
					}
				}
			},
		},
		{
			ID: "minimum-os-missing", Codes: []string{"90360"}, Severity: SeverityError,
			Title:  "The lowest system version is given, as numbers separated by dots.",
			Remedy: "set the deployment target (IPHONEOS_DEPLOYMENT_TARGET, MACOSX_DEPLOYMENT_TARGET, …), which becomes MinimumOSVersion or LSMinimumSystemVersion",
			check: func(c *checker) {
				for _, b := range c.bundles(KindApp, KindExtension, KindAppClip, KindWatchApp, KindFramework) {
					switch {
					case b.plistPath == "" || b.plistProblem != nil || b.Kind == KindFramework && !c.mobile():
					case b.MinimumOS == "":
						c.report(b.plistPath, "", "the lowest system version is missing")
					case versionProblem(b.MinimumOS) != "":
						c.report(b.plistPath, b.MinimumOS, "the lowest system version %s", versionProblem(b.MinimumOS))
					}
				}
			},
		},
		{
			ID: "minimum-os-differs", Codes: []string{"90208"}, Severity: SeverityError,
			Title:  "A program runs on the lowest system version that its Info.plist gives.",
			Remedy: "give the target one deployment target, and do not change MinimumOSVersion after the build",
			check: func(c *checker) {
				for _, b := range c.programs() {
					for _, s := range b.Executable.Slices {
						if b.MinimumOS != "" && versionProblem(b.MinimumOS) == "" && s.MinimumOS != "" && CompareVersions(s.MinimumOS, b.MinimumOS) > 0 && s.Platform != "macCatalyst" {
							c.report(b.Executable.Path, s.MinimumOS, "the program needs %s %s, but its Info.plist says %s", s.Platform, s.MinimumOS, b.MinimumOS)
						}
					}
				}
			},
		},
		{
			ID: "sdk-too-old", Codes: []string{"90725"}, Severity: SeverityError,
			Title:  "The app was made with an SDK that the App Store still takes.",
			Remedy: "build with a newer Xcode; in CI choose its version (xcode-select, DEVELOPER_DIR)",
			check: func(c *checker) {
				for _, b := range c.programs(KindApp, KindWatchApp) {
					system, sdk := sdkOf(b)
					for _, minimum := range sdkMinimums() {
						if minimum.system == system && sdk != "" && !c.now.Before(minimum.from) && CompareVersions(sdk, minimum.version) < 0 {
							c.report(b.Executable.Path, system+" "+sdk, "it was made with the SDK of %s %s; since %s the App Store takes %s and later", system, sdk, minimum.from.Format(time.DateOnly), minimum.version)
							break
						}
					}
				}
			},
		},
		{
			ID: "swift-support", Codes: []string{"90426", "90427"}, Severity: SeverityWarning,
			Title:  "Swift's libraries in the app come with the package's SwiftSupport folder.",
			Remedy: "use the package that xcodebuild -exportArchive makes for the App Store, unchanged",
			check: func(c *checker) {
				for _, b := range c.bundles(KindLibrary) {
					if c.info.Kind == IPA && !c.info.SwiftSupport && strings.HasSuffix(b.Path, "/Frameworks/libswiftCore.dylib") {
						c.report(b.Path, "", "the app brings Swift's libraries, but the package has no SwiftSupport folder")
					}
				}
			},
		},
	}
}

func architectures(b Bundle) []string {
	var names []string
	for _, s := range b.Executable.Slices {
		names = append(names, s.Architecture)
	}
	return names
}

// An sdkMinimum is the oldest SDK that the App Store takes from a day on.
type sdkMinimum struct {
	system, version string
	from            time.Time
}

// sdkMinimums are Apple's announcements ("Upcoming requirements"), the latest
// first. macOS has none.
func sdkMinimums() []sdkMinimum {
	var minimums []sdkMinimum
	for _, deadline := range []struct {
		from     time.Time
		versions map[string]string
	}{
		{time.Date(2026, 4, 28, 0, 0, 0, 0, time.UTC), map[string]string{"iOS": "26.0", "tvOS": "26.0", "visionOS": "26.0", "watchOS": "26.0"}},
		{time.Date(2025, 4, 24, 0, 0, 0, 0, time.UTC), map[string]string{"iOS": "18.0", "tvOS": "18.0", "visionOS": "2.0", "watchOS": "11.0"}},
		{time.Date(2024, 4, 29, 0, 0, 0, 0, time.UTC), map[string]string{"iOS": "17.0", "tvOS": "17.0", "visionOS": "1.0", "watchOS": "10.0"}},
	} {
		for _, system := range []string{"iOS", "tvOS", "visionOS", "watchOS"} {
			minimums = append(minimums, sdkMinimum{system, deadline.versions[system], deadline.from})
		}
	}
	return minimums
}

// sdkOf tells which SDK a program was made with: what its load commands say,
// else the Info.plist's DTSDKName.
func sdkOf(b Bundle) (system, version string) {
	for _, s := range b.Executable.Slices {
		if s.SDK != "" {
			return s.Platform, s.SDK
		}
	}
	for prefix, system := range map[string]string{"iphoneos": "iOS", "appletvos": "tvOS", "xros": "visionOS", "watchos": "watchOS"} {
		if version, ok := strings.CutPrefix(b.SDK, prefix); ok {
			return system, version
		}
	}
	return "", ""
}

// list joins names for a message.
func list(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + fmt.Sprintf(" and %d more", len(names)-5)
	}
	return strings.Join(names, ", ")
}
