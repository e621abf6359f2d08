package sandbox

import (
	"slices"
	"time"

	"github.com/ascend-cli/ascend/internal/bundle"
)

func buildKinds() map[string]kind {
	// 1.1 finds 1.1.0, and 01 finds 1.
	version := map[string]func(*resource, string) bool{"version": sameVersion("version")}
	return map[string]kind{
		"builds": {
			update:   (*Server).updateBuild,
			link:     (*Server).linkBuild,
			singular: "build",
			inverse:  map[string]string{"appEncryptionDeclaration": "builds"},
			filters:  version,
		},
		"preReleaseVersions":     {singular: "preReleaseVersion", filters: version},
		"buildBetaNotifications": {create: (*Server).notifyTesters},
	}
}

func sameVersion(name string) func(*resource, string) bool {
	return func(r *resource, value string) bool { return bundle.SameVersion(r.text(name), value) }
}

func (s *Server) updateBuild(build *resource, in input) *refusal {
	if uses, given := in.attrs["usesNonExemptEncryption"]; given && uses != nil {
		switch {
		case build.text("processingState") != "VALID":
			return wrongState("STATE_ERROR.ENTITY_STATE_INVALID", "The build is not in a valid processing state.")
		case build.attrs["usesNonExemptEncryption"] != nil: // written once, whatever the value (F19)
			return badAttribute("usesNonExemptEncryption", "ENTITY_ERROR.ATTRIBUTE.INVALID",
				"You cannot update when the value is already set.")
		}
		build.set("usesNonExemptEncryption", uses)
	}
	switch in.attrs["expired"] {
	case true:
		build.set("expired", true)
	case false:
		return badAttribute("expired", "ENTITY_ERROR.ATTRIBUTE.INVALID", "An expired build cannot be brought back.")
	}
	for name, id := range in.one {
		build.one[name] = id
	}
	s.deriveBetaStates(build)
	return nil
}

func (s *Server) linkBuild(build *resource, name string, ids []string) *refusal {
	if name != "betaGroups" {
		return nil
	}
	for _, id := range ids {
		if refused := s.mayTest(build, s.db.get("betaGroups", id)); refused != nil {
			return refused
		}
	}
	return nil
}

// notifyTesters makes a notification, which no reply shows again.
func (s *Server) notifyTesters(in input) (*resource, *refusal) {
	available := []string{"IN_BETA_TESTING", "BETA_APPROVED", "READY_FOR_BETA_TESTING"}
	detail := s.db.get("buildBetaDetails", in.one["build"])
	if detail == nil || !slices.Contains(available, detail.text("externalBuildState")) {
		return nil, wrongState("STATE_ERROR.ENTITY_STATE_INVALID", "The build is not available to external testers.")
	}
	if detail.flag("autoNotifyEnabled") {
		refused := wrongState("STATE_ERROR.ENTITY_STATE_INVALID", "Auto-notify already enabled") // F16
		refused.title = ""
		return nil, refused
	}
	return &resource{kind: "buildBetaNotifications", id: newID()}, nil
}

// preReleaseVersion returns the version of an app, and makes it if need be.
func (s *Server) preReleaseVersion(appID, version, platform string) *resource {
	for _, v := range s.db.all("preReleaseVersions") {
		if v.one["app"] == appID && v.text("platform") == platform && bundle.SameVersion(v.text("version"), version) {
			return v
		}
	}
	v := s.db.add("preReleaseVersions", newID()).set("version", version, "platform", platform)
	v.one["app"] = appID
	return v
}

// advanceBuild turns a build VALID, and gives it its beta detail a little
// later.
func (s *Server) advanceBuild(build *resource, now time.Time) {
	if build.text("processingState") == stateProcessing && !now.Before(build.processedAt) {
		build.set("processingState", "VALID")
		build.validAt = build.processedAt
	}
	settled := !build.validAt.IsZero() && !now.Before(build.validAt.Add(s.options.Settle))
	if settled && s.db.get("buildBetaDetails", build.id) == nil {
		s.addBetaDetail(build)
	}
}

func (s *Server) addBetaDetail(build *resource) {
	s.db.add("buildBetaDetails", build.id).set("autoNotifyEnabled", true).one["build"] = build.id
	s.deriveBetaStates(build)
}

// settling tells whether a build turned VALID so lately that other parts of
// the service do not know it yet.
func (s *Server) settling(build *resource) bool {
	return !build.validAt.IsZero() && s.options.Now().Before(build.validAt.Add(s.options.Settle))
}

// deriveBetaStates derives the two beta states of a build from everything they
// depend on.
func (s *Server) deriveBetaStates(build *resource) {
	detail := s.db.get("buildBetaDetails", build.id)
	if detail == nil {
		return
	}
	uses, decided := build.attrs["usesNonExemptEncryption"].(bool)
	switch {
	case build.flag("expired"):
		detail.set("internalBuildState", "EXPIRED", "externalBuildState", "EXPIRED")
	case !decided || uses && build.one["appEncryptionDeclaration"] == "":
		// Non-exempt encryption needs a declaration as well.
		detail.set("internalBuildState", "MISSING_EXPORT_COMPLIANCE", "externalBuildState", "MISSING_EXPORT_COMPLIANCE")
	default:
		internal, external := s.audiences(build)
		detail.set("internalBuildState", pick(internal, "IN_BETA_TESTING", "READY_FOR_BETA_TESTING"))
		detail.set("externalBuildState", s.externalState(build, external))
	}
}

// audiences tells whether internal and external groups have a build.
func (s *Server) audiences(build *resource) (internal, external bool) {
	for _, group := range s.db.related(build, "betaGroups") {
		internal = internal || group.flag("isInternalGroup")
		external = external || !group.flag("isInternalGroup")
	}
	for _, group := range s.db.all("betaGroups") {
		internal = internal || group.flag("hasAccessToAllBuilds") && group.one["app"] == build.one["app"]
	}
	return internal, external
}

func (s *Server) externalState(build *resource, hasExternalGroup bool) string {
	if build.text("buildAudienceType") == "INTERNAL_ONLY" {
		return "NOT_APPLICABLE"
	}
	submission := s.db.get("betaAppReviewSubmissions", build.id)
	if submission == nil {
		return "READY_FOR_BETA_SUBMISSION"
	}
	switch submission.text("betaReviewState") {
	case "WAITING_FOR_REVIEW":
		return "WAITING_FOR_BETA_REVIEW"
	case "IN_REVIEW":
		return "IN_BETA_REVIEW"
	case "APPROVED":
		return pick(hasExternalGroup, "IN_BETA_TESTING", "BETA_APPROVED")
	case "REJECTED":
		return "BETA_REJECTED"
	}
	return "READY_FOR_BETA_SUBMISSION"
}

func pick(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}
