package asc

// A Platform is an App Store platform in the API's words.
type Platform string

// The platforms of a build.
const (
	IOS      Platform = "IOS"
	MacOS    Platform = "MAC_OS"
	TVOS     Platform = "TV_OS"
	VisionOS Platform = "VISION_OS"
)
