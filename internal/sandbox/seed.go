package sandbox

import (
	"fmt"
	"strconv"
)

// An App is an app record to start with.
type App struct {
	// ID is the Apple ID of the app; made up if empty.
	ID       string
	BundleID string
	Name     string
	// PrimaryLocale is en-US if empty.
	PrimaryLocale string
	Groups        []Group
	// Declaration is the state of an encryption declaration that the app has;
	// empty means that it has none.
	Declaration string
	// NoTestInformation leaves out what beta review and testers are told.
	NoTestInformation bool
	// Builds are processed builds to start with, the oldest first.
	Builds []Build
}

// A Build is a processed build to start with.
type Build struct {
	// ID is made up if empty.
	ID string
	// Version is the marketing version, Number the build number.
	Version, Number string
	// Platform is IOS if empty.
	Platform string
	// Live makes it the App Store's, Clip gives it an app clip.
	Live, Clip bool
}

// A Group is a beta group to start with.
type Group struct {
	// ID is made up if empty.
	ID       string
	Name     string
	Internal bool
	// AllBuilds gives an internal group every build by itself.
	AllBuilds bool
}

// firstAppID is where made-up Apple IDs start: ten digits, as real ones.
const firstAppID = 6_700_000_001

func (s *Server) addApp(app App) error {
	if app.BundleID == "" {
		return fmt.Errorf("an app needs a bundle id")
	}
	if app.ID == "" {
		app.ID = strconv.Itoa(firstAppID + len(s.db.all("apps")))
	}
	if app.Name == "" {
		app.Name = app.BundleID
	}
	if app.PrimaryLocale == "" {
		app.PrimaryLocale = "en-US"
	}
	record := s.db.add("apps", app.ID).set(
		"name", app.Name, "bundleId", app.BundleID, "sku", app.BundleID, "primaryLocale", app.PrimaryLocale,
		"isOrEverWasMadeForKids", false, "streamlinedPurchasingEnabled", true,
	)
	localization := s.db.add("betaAppLocalizations", newID()).set("locale", app.PrimaryLocale)
	review := s.db.add("betaAppReviewDetails", record.id).set("demoAccountRequired", false)
	localization.one["app"], review.one["app"] = record.id, record.id
	if !app.NoTestInformation {
		localization.set("description", "A demo.", "feedbackEmail", "feedback@example.com")
		review.set(
			"contactFirstName", "Dana", "contactLastName", "Doe", "contactEmail", "dana@example.com",
			"contactPhone", "+1 555 0100",
		)
	}
	record.one["betaAppReviewDetail"] = record.id
	for _, g := range app.Groups {
		id := g.ID
		if id == "" {
			id = newID()
		}
		s.newGroup(id, record.id, g.Name, g.Internal, g.AllBuilds)
	}
	if app.Declaration != "" {
		declaration := s.db.add("appEncryptionDeclarations", newID())
		declaration.set("appEncryptionDeclarationState", app.Declaration, "platform", "IOS")
		declaration.set("createdDate", stamp(s.options.Now()))
		declaration.one["app"] = record.id
	}
	for i, b := range app.Builds {
		s.newBuild(b, record.id, i-len(app.Builds))
	}
	return nil
}

// newBuild makes a build that was processed some days ago.
func (s *Server) newBuild(b Build, appID string, days int) {
	if b.ID == "" {
		b.ID = newID()
	}
	if b.Platform == "" {
		b.Platform = "IOS"
	}
	uploaded := s.options.Now().AddDate(0, 0, days)
	build := s.db.add("builds", b.ID).set(
		"version", b.Number, "uploadedDate", stamp(uploaded), "expirationDate", stamp(uploaded.AddDate(0, 0, 90)),
		"expired", false, "minOsVersion", "16.0", "processingState", "VALID", "buildAudienceType", "APP_STORE_ELIGIBLE",
		"usesNonExemptEncryption", false,
	)
	build.one["app"], build.one["preReleaseVersion"] = appID, s.preReleaseVersion(appID, b.Version, b.Platform).id
	s.addBetaDetail(build)
	bundleID := s.db.get("apps", appID).text("bundleId")
	s.addBuildBundle(b.ID, bundleID, "APP")
	if b.Clip {
		s.addBuildBundle(b.ID, bundleID+".Clip", "APP_CLIP")
	}
	if b.Live {
		version := s.db.add("appStoreVersions", newID()).set(
			"versionString", b.Version, "platform", b.Platform, "appVersionState", "READY_FOR_DISTRIBUTION",
			"createdDate", stamp(uploaded),
		)
		version.one["app"], version.one["build"] = appID, b.ID
	}
}

func (s *Server) newGroup(id, appID, name string, internal, allBuilds bool) *resource {
	group := s.db.add("betaGroups", id).set(
		"name", name, "createdDate", stamp(s.options.Now()), "isInternalGroup", internal, "hasAccessToAllBuilds", allBuilds,
		"publicLinkEnabled", false, "feedbackEnabled", true,
	)
	group.one["app"] = appID
	return group
}
