package sandbox

import (
	"fmt"
	"time"

	"github.com/ascend-cli/ascend/internal/bundle"
)

// process ends a build upload: it reads the package that was sent and either
// fails, with Apple's codes where they are known, or makes a build.
func (s *Server) process(upload *resource, now time.Time) {
	asset := s.world.get("buildUploadFiles", upload.one["assetFile"])
	info, err := bundle.Inspect(asset.text("fileName"), s.reader(asset), asset.attrs["fileSize"].(int64))
	failures := s.disagreements(upload, info, err)
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
	build := s.world.add("builds", newID()).set(
		"version", upload.text("cfBundleVersion"), "uploadedDate", upload.attrs["uploadedDate"], "expirationDate", stamp(now.AddDate(0, 0, 90)),
		"expired", false, "minOsVersion", info.MinimumOS, "processingState", stateProcessing, "buildAudienceType", "APP_STORE_ELIGIBLE",
		"usesNonExemptEncryption", encryption, "_done", now.Add(s.options.BuildProcessing),
	)
	build.one["app"], build.one["preReleaseVersion"], build.one["buildUpload"] = upload.one["app"], version.id, upload.id
	upload.one["build"] = build.id
	s.addBuildBundles(build.id, info)
	upload.set("state", stateObject(stateComplete, nil, s.options.WarnWith))
}

// addBuildBundles makes the bundles of a build: the app, and its app clip.
func (s *Server) addBuildBundles(buildID string, info bundle.Info) {
	s.world.add("buildBundles", newID()).set("bundleId", info.BundleID, "bundleType", "APP").one["build"] = buildID
	for _, b := range info.Bundles {
		if b.Kind == bundle.KindAppClip {
			s.world.add("buildBundles", newID()).set("bundleId", b.BundleID, "bundleType", "APP_CLIP").one["build"] = buildID
		}
	}
}

// disagreements are what the package says otherwise than the reservation. The
// codes of a wrong bundle id and of a used number are Apple's; which code a
// wrong version gets has not been seen, so that one is the sandbox's own.
func (s *Server) disagreements(upload *resource, info bundle.Info, err error) []Detail {
	if err != nil {
		return []Detail{{"SANDBOX.UNREADABLE", "The package cannot be read: " + err.Error()}}
	}
	var out []Detail
	app := s.world.get("apps", upload.one["app"])
	if info.BundleID != app.text("bundleId") {
		out = append(out, Detail{"90054", fmt.Sprintf("This bundle is invalid. The bundle identifier '%s' is not that of the app, '%s'.", info.BundleID, app.text("bundleId"))})
	}
	if !bundle.SameVersion(info.ShortVersion, upload.text("cfBundleShortVersionString")) {
		out = append(out, Detail{"SANDBOX.VERSION_MISMATCH", fmt.Sprintf("CFBundleShortVersionString is '%s' in the package but '%s' in the reservation.", info.ShortVersion, upload.text("cfBundleShortVersionString"))})
	}
	if !bundle.SameVersion(info.BuildVersion, upload.text("cfBundleVersion")) {
		out = append(out, Detail{"SANDBOX.VERSION_MISMATCH", fmt.Sprintf("CFBundleVersion is '%s' in the package but '%s' in the reservation.", info.BuildVersion, upload.text("cfBundleVersion"))})
	}
	if info.Platform != "" && string(info.Platform) != upload.text("platform") {
		out = append(out, Detail{"SANDBOX.PLATFORM_MISMATCH", fmt.Sprintf("The package is for %s, the reservation for %s.", info.Platform, upload.text("platform"))})
	}
	for _, build := range s.world.all("builds") {
		version := s.world.get("preReleaseVersions", build.one["preReleaseVersion"])
		if build.one["app"] == upload.one["app"] && version.text("platform") == upload.text("platform") && bundle.SameVersion(version.text("version"), upload.text("cfBundleShortVersionString")) && bundle.SameVersion(build.text("version"), upload.text("cfBundleVersion")) {
			out = append(out, Detail{"90189", "Redundant Binary Upload. You've already uploaded a build with this build number for this version."})
		}
	}
	return out
}

func (s *Server) preReleaseVersion(appID, version, platform string) *resource {
	for _, v := range s.world.all("preReleaseVersions") {
		if v.one["app"] == appID && v.text("platform") == platform && bundle.SameVersion(v.text("version"), version) {
			return v
		}
	}
	v := s.world.add("preReleaseVersions", newID()).set("version", version, "platform", platform)
	v.one["app"] = appID
	return v
}

// advanceBuild turns a build VALID, and gives it its beta detail a little
// later.
func (s *Server) advanceBuild(build *resource, now time.Time) {
	done, _ := build.attrs["_done"].(time.Time)
	if build.text("processingState") == stateProcessing && !now.Before(done) {
		build.set("processingState", "VALID", "_valid", done)
	}
	valid, ok := build.attrs["_valid"].(time.Time)
	if ok && s.world.get("buildBetaDetails", build.id) == nil && !now.Before(valid.Add(s.options.Settle)) {
		s.world.add("buildBetaDetails", build.id).set("autoNotifyEnabled", true).one["build"] = build.id
		s.settleBetaStates(build)
	}
}
