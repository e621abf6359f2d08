package sandbox

import (
	"fmt"
	"slices"
	"time"

	"github.com/ascend-cli/ascend/internal/bundle"
)

// advance moves everything that depends on time up to now.
func (s *Server) advance(now time.Time) {
	s.renewOperations(now)
	for _, upload := range s.db.all("buildUploads") {
		if uploadState(upload) == stateProcessing && !now.Before(upload.processedAt) {
			s.process(upload, upload.processedAt)
		}
	}
	for _, build := range slices.Clone(s.db.all("builds")) {
		s.advanceBuild(build, now)
	}
	s.advanceReviews(now)
}

// process ends a build upload: it reads the package that was sent and either
// fails, with Apple's codes where they are known, or makes a build.
func (s *Server) process(upload *resource, now time.Time) {
	asset := s.db.get("buildUploadFiles", upload.one["assetFile"])
	info, err := bundle.Inspect(asset.text("fileName"), s.reader(asset), asset.attrs["fileSize"].(int64))
	failures := s.mismatches(upload, info, err)
	failures = append(failures, s.options.FailWith...)
	if len(failures) > 0 {
		upload.set("state", stateObject(stateFailed, failures, s.options.WarnWith))
		asset.set("assetDeliveryState", deliveryState(stateFailed))
		return
	}
	asset.set("assetDeliveryState", deliveryState(stateComplete))
	version := s.preReleaseVersion(upload.one["app"], upload.text("cfBundleShortVersionString"), upload.text("platform"))
	var encryption any
	if info.UsesNonExemptEncryption != nil {
		encryption = *info.UsesNonExemptEncryption
	}
	build := s.db.add("builds", newID()).set(
		"version", upload.text("cfBundleVersion"), "uploadedDate", upload.attrs["uploadedDate"],
		"expirationDate", stamp(now.AddDate(0, 0, 90)), "expired", false, "minOsVersion", info.MinimumOS,
		"processingState", stateProcessing, "buildAudienceType", "APP_STORE_ELIGIBLE", "usesNonExemptEncryption", encryption,
	)
	build.processedAt = now.Add(s.options.BuildProcessing)
	build.one["app"], build.one["preReleaseVersion"], build.one["buildUpload"] = upload.one["app"], version.id, upload.id
	upload.one["build"] = build.id
	s.addBuildBundles(build.id, info)
	upload.set("state", stateObject(stateComplete, nil, s.options.WarnWith))
}

// addBuildBundles makes the bundles of a build: the app, and its app clip.
func (s *Server) addBuildBundles(buildID string, info bundle.Info) {
	s.addBuildBundle(buildID, info.BundleID, "APP")
	for _, b := range info.Bundles {
		if b.Kind == bundle.KindAppClip {
			s.addBuildBundle(buildID, b.BundleID, "APP_CLIP")
		}
	}
}

func (s *Server) addBuildBundle(buildID, bundleID, bundleType string) {
	s.db.add("buildBundles", newID()).set("bundleId", bundleID, "bundleType", bundleType).one["build"] = buildID
}

// mismatches are what the package says otherwise than the reservation. The
// codes of a wrong bundle id and of a used number are Apple's; which code a
// wrong version gets has not been seen, so that one is the sandbox's own.
func (s *Server) mismatches(upload *resource, info bundle.Info, err error) []Detail {
	if err != nil {
		return []Detail{{"SANDBOX.UNREADABLE", "The package cannot be read: " + err.Error()}}
	}
	var out []Detail
	found := func(code, format string, args ...any) { out = append(out, Detail{code, fmt.Sprintf(format, args...)}) }
	version, number := upload.text("cfBundleShortVersionString"), upload.text("cfBundleVersion")
	if app := s.db.get("apps", upload.one["app"]); info.BundleID != app.text("bundleId") {
		found("90054", "This bundle is invalid. The bundle identifier '%s' is not that of the app, '%s'.",
			info.BundleID, app.text("bundleId"))
	}
	if !bundle.SameVersion(info.ShortVersion, version) {
		found("SANDBOX.VERSION_MISMATCH", "CFBundleShortVersionString is '%s' in the package but '%s' in the reservation.",
			info.ShortVersion, version)
	}
	if !bundle.SameVersion(info.BuildVersion, number) {
		found("SANDBOX.VERSION_MISMATCH", "CFBundleVersion is '%s' in the package but '%s' in the reservation.",
			info.BuildVersion, number)
	}
	if info.Platform != "" && string(info.Platform) != upload.text("platform") {
		found("SANDBOX.PLATFORM_MISMATCH", "The package is for %s, the reservation for %s.",
			info.Platform, upload.text("platform"))
	}
	for _, build := range s.buildsOf(upload.one["app"], version, upload.text("platform")) {
		if bundle.SameVersion(build.text("version"), number) {
			found("90189", "Redundant Binary Upload. You've already uploaded a build with this build number for this version.")
		}
	}
	return out
}

// buildsOf are the builds of a version of an app.
func (s *Server) buildsOf(appID, version, platform string) []*resource {
	var out []*resource
	for _, build := range s.db.all("builds") {
		v := s.db.get("preReleaseVersions", build.one["preReleaseVersion"])
		same := v != nil && v.text("platform") == platform && bundle.SameVersion(v.text("version"), version)
		if same && build.one["app"] == appID {
			out = append(out, build)
		}
	}
	return out
}
