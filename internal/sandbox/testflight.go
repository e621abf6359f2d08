package sandbox

import (
	"slices"
	"time"
)

// mayTest applies TestFlight's rules for giving a build to a group.
func (s *Server) mayTest(build, group *resource) *refusal {
	const title = "Builds cannot be assigned to this internal group."
	switch detail := s.world.get("buildBetaDetails", build.id); {
	case group.one["app"] != build.one["app"]:
		return unprocessable("ENTITY_UNPROCESSABLE", "The group belongs to another app.", "The group and the build are not of the same app.")
	case group.flag("isInternalGroup") && group.flag("hasAccessToAllBuilds"):
		return unprocessable("ENTITY_UNPROCESSABLE", title, "Cannot add internal group to a build.")
	case build.flag("expired"):
		return unprocessable("ENTITY_UNPROCESSABLE", "Build is not assignable.", "The build has expired.")
	case build.text("processingState") != "VALID" || detail == nil || s.settling(build):
		return unprocessable("ENTITY_UNPROCESSABLE", "Build is not assignable.", "Build is not in a valid processing state.")
	case detail.text("internalBuildState") == "MISSING_EXPORT_COMPLIANCE":
		return unprocessable("ENTITY_UNPROCESSABLE", "Build is not assignable.", "The build is missing export compliance.")
	case !group.flag("isInternalGroup") && build.text("buildAudienceType") == "INTERNAL_ONLY":
		return unprocessable("ENTITY_UNPROCESSABLE", "Build is not assignable.", "The build is for internal testing only.")
	}
	return nil
}

// settling tells whether a build turned VALID so lately that other parts of
// the service do not know it yet.
func (s *Server) settling(build *resource) bool {
	valid, ok := build.attrs["_valid"].(time.Time)
	return ok && s.options.Now().Before(valid.Add(s.options.Settle))
}

func (s *Server) submitForReview(in input) (*resource, *refusal) {
	build := s.world.get("builds", in.one["build"])
	detail := s.world.get("buildBetaDetails", build.id)
	if detail == nil || build.text("processingState") != "VALID" || s.settling(build) {
		return nil, unprocessable("ENTITY_UNPROCESSABLE.BUILD_NOT_IN_VALID_PROCESSING_STATE", "The build is not in a valid processing state.", "Build is not in a valid processing state for review.")
	}
	switch state := detail.text("externalBuildState"); state {
	case "READY_FOR_BETA_SUBMISSION":
	case "MISSING_EXPORT_COMPLIANCE":
		return nil, unprocessable("ENTITY_UNPROCESSABLE", "The build is missing export compliance.", "Export compliance must be answered before a build can be submitted for review.")
	case "WAITING_FOR_BETA_REVIEW", "IN_BETA_REVIEW", "BETA_APPROVED", "IN_BETA_TESTING":
		return nil, wrongState("STATE_ERROR.ENTITY_STATE_INVALID", "The build has already been submitted for review.")
	default:
		return nil, unprocessable("ENTITY_UNPROCESSABLE.BUILD_NOT_IN_INTERNAL_TESTING_STATE", "The build is not in internal testing state.", "A build in state "+state+" cannot be submitted for review.")
	}
	state := "WAITING_FOR_REVIEW"
	for _, other := range s.world.all("betaAppReviewSubmissions") {
		peer := s.world.get("builds", other.one["build"])
		if peer == nil || peer == build || peer.one["preReleaseVersion"] != build.one["preReleaseVersion"] || peer.flag("expired") {
			continue
		}
		switch other.text("betaReviewState") {
		case "APPROVED":
			state = "APPROVED" // later builds of an approved version pass at once
		case "WAITING_FOR_REVIEW", "IN_REVIEW":
			return nil, unprocessable("ENTITY_UNPROCESSABLE.ANOTHER_BUILD_IN_REVIEW", "Another build is in review.", "You already have a build of this version in beta review.")
		}
	}
	submission := s.world.add("betaAppReviewSubmissions", build.id).set("betaReviewState", state, "submittedDate", stamp(s.options.Now()), "_submitted", s.options.Now())
	submission.one["build"] = build.id
	build.one["betaAppReviewSubmission"] = submission.id
	s.settleBetaStates(build)
	return submission, nil
}

// settleBetaStates derives the two beta states of a build from everything they
// depend on.
func (s *Server) settleBetaStates(build *resource) {
	detail := s.world.get("buildBetaDetails", build.id)
	if detail == nil {
		return
	}
	internal, external := false, false
	for _, group := range s.world.related(build, "betaGroups") {
		internal = internal || group.flag("isInternalGroup")
		external = external || !group.flag("isInternalGroup")
	}
	for _, group := range s.world.all("betaGroups") {
		internal = internal || group.flag("hasAccessToAllBuilds") && group.one["app"] == build.one["app"]
	}
	uses, decided := build.attrs["usesNonExemptEncryption"].(bool)
	switch {
	case build.flag("expired"):
		detail.set("internalBuildState", "EXPIRED", "externalBuildState", "EXPIRED")
		return
	case !decided || uses && build.one["appEncryptionDeclaration"] == "":
		// Non-exempt encryption needs a declaration as well.
		detail.set("internalBuildState", "MISSING_EXPORT_COMPLIANCE", "externalBuildState", "MISSING_EXPORT_COMPLIANCE")
		return
	}
	detail.set("internalBuildState", pick(internal, "IN_BETA_TESTING", "READY_FOR_BETA_TESTING"))
	state := "READY_FOR_BETA_SUBMISSION"
	if submission := s.world.get("betaAppReviewSubmissions", build.id); submission != nil {
		switch submission.text("betaReviewState") {
		case "WAITING_FOR_REVIEW":
			state = "WAITING_FOR_BETA_REVIEW"
		case "IN_REVIEW":
			state = "IN_BETA_REVIEW"
		case "APPROVED":
			state = pick(external, "IN_BETA_TESTING", "BETA_APPROVED")
		case "REJECTED":
			state = "BETA_REJECTED"
		}
	}
	if build.text("buildAudienceType") == "INTERNAL_ONLY" {
		state = "NOT_APPLICABLE"
	}
	detail.set("externalBuildState", state)
}

func pick(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

// advanceReviews ends the reviews whose time is over.
func (s *Server) advanceReviews(now time.Time) {
	if s.options.ReviewTime == 0 {
		return
	}
	for _, submission := range slices.Clone(s.world.all("betaAppReviewSubmissions")) {
		submitted, _ := submission.attrs["_submitted"].(time.Time)
		if submission.text("betaReviewState") == "WAITING_FOR_REVIEW" && !now.Before(submitted.Add(s.options.ReviewTime)) {
			submission.set("betaReviewState", "APPROVED")
			s.settleBetaStates(s.world.get("builds", submission.one["build"]))
		}
	}
}
