package bundle

import "strings"

// A Platform is an App Store platform, in the words of the App Store Connect
// API.
type Platform string

// The platforms a package can be for.
const (
	IOS      Platform = "IOS"
	MacOS    Platform = "MAC_OS"
	TVOS     Platform = "TV_OS"
	VisionOS Platform = "VISION_OS"
)

// ParsePlatform reads a platform as people write it: Apple's API words, the
// names of the systems, or fastlane's (ios, appletvos, osx, xros).
func ParsePlatform(text string) (Platform, bool) {
	switch strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(text)) {
	case "ios", "iphoneos", "ipados":
		return IOS, true
	case "macos", "osx", "mac", "macosx":
		return MacOS, true
	case "tvos", "appletvos", "appletv":
		return TVOS, true
	case "visionos", "xros":
		return VisionOS, true
	}
	return "", false
}

// platformNames maps DTPlatformName and CFBundleSupportedPlatforms, as Xcode
// writes them, to platforms.
var platformNames = map[string]Platform{
	"iphoneos":  IOS,
	"macosx":    MacOS,
	"appletvos": TVOS,
	"xros":      VisionOS,
}

// platformOf tells the platform of an app from its Info.plist. A simulator or
// watch build is an error: the store takes neither by itself.
func platformOf(p infoPlist) (Platform, error) {
	names := append([]string{string(p.PlatformName)}, p.SupportedPlatforms...)
	for _, name := range names {
		if platform, ok := platformNames[strings.ToLower(name)]; ok {
			return platform, nil
		}
	}
	for _, name := range names {
		lower := strings.ToLower(name)
		switch {
		case strings.HasSuffix(lower, "simulator"):
			return "", &Error{Reason: "the app was built for a simulator (" + name + ")", Hint: "archive it for a device: xcodebuild archive -destination 'generic/platform=iOS'"}
		case lower == "watchos":
			return "", &Error{Reason: "the app is a watch app by itself", Hint: "upload the iOS app that contains it"}
		}
	}
	switch {
	case bool(p.RequiresIPhoneOS):
		return IOS, nil
	case p.MinimumSystemVersion != "":
		return MacOS, nil
	}
	return "", nil
}
