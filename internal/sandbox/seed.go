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
		app.ID = strconv.Itoa(firstAppID + len(s.world.all("apps")))
	}
	if app.Name == "" {
		app.Name = app.BundleID
	}
	if app.PrimaryLocale == "" {
		app.PrimaryLocale = "en-US"
	}
	record := s.world.add("apps", app.ID).set(
		"name", app.Name, "bundleId", app.BundleID, "sku", app.BundleID, "primaryLocale", app.PrimaryLocale,
		"isOrEverWasMadeForKids", false, "streamlinedPurchasingEnabled", true,
	)
	s.world.add("betaAppLocalizations", newID()).set("locale", app.PrimaryLocale, "description", "A demo.", "feedbackEmail", "feedback@example.com").one["app"] = record.id
	s.world.add("betaAppReviewDetails", record.id).set("contactFirstName", "Dana", "contactLastName", "Doe", "contactEmail", "dana@example.com", "contactPhone", "+1 555 0100", "demoAccountRequired", false).one["app"] = record.id
	record.one["betaAppReviewDetail"] = record.id
	for _, g := range app.Groups {
		id := g.ID
		if id == "" {
			id = newID()
		}
		s.newGroup(id, record.id, g.Name, g.Internal, g.AllBuilds)
	}
	return nil
}

func (s *Server) newGroup(id, appID, name string, internal, allBuilds bool) *resource {
	group := s.world.add("betaGroups", id).set(
		"name", name, "createdDate", stamp(s.options.Now()), "isInternalGroup", internal, "hasAccessToAllBuilds", allBuilds,
		"publicLinkEnabled", false, "feedbackEnabled", true,
	)
	group.one["app"] = appID
	return group
}
