package sandbox

import (
	"slices"
	"time"
)

func betaReviewKinds() map[string]kind {
	return map[string]kind{
		"betaAppReviewSubmissions": {create: (*Server).submitForReview},
	}
}

func (s *Server) submitForReview(in input) (*resource, *refusal) {
	build := s.db.get("builds", in.one["build"])
	if refused := s.maySubmit(build); refused != nil {
		return nil, refused
	}
	state, refused := s.firstReviewState(build)
	if refused != nil {
		return nil, refused
	}
	now := s.options.Now()
	submission := s.db.add("betaAppReviewSubmissions", build.id).set("betaReviewState", state, "submittedDate", stamp(now))
	submission.submittedAt = now
	submission.one["build"] = build.id
	build.one["betaAppReviewSubmission"] = submission.id
	s.deriveBetaStates(build)
	return submission, nil
}

// maySubmit refuses a build that is not ready for review.
func (s *Server) maySubmit(build *resource) *refusal {
	detail := s.db.get("buildBetaDetails", build.id)
	if detail == nil || build.text("processingState") != "VALID" || s.settling(build) {
		return unprocessable("ENTITY_UNPROCESSABLE.BUILD_NOT_IN_VALID_PROCESSING_STATE",
			"The build is not in a valid processing state.", "Build is not in a valid processing state for review.")
	}
	switch state := detail.text("externalBuildState"); state {
	case "READY_FOR_BETA_SUBMISSION":
		return nil
	case "MISSING_EXPORT_COMPLIANCE":
		return unprocessable("ENTITY_UNPROCESSABLE", "The build is missing export compliance.",
			"Export compliance must be answered before a build can be submitted for review.")
	case "WAITING_FOR_BETA_REVIEW", "IN_BETA_REVIEW", "BETA_APPROVED", "IN_BETA_TESTING":
		return wrongState("STATE_ERROR.ENTITY_STATE_INVALID", "The build has already been submitted for review.")
	default:
		return unprocessable("ENTITY_UNPROCESSABLE.BUILD_NOT_IN_INTERNAL_TESTING_STATE",
			"The build is not in internal testing state.", "A build in state "+state+" cannot be submitted for review.")
	}
}

// firstReviewState is the state of a new submission. Only one build of a
// version can be in review, and later builds of an approved version are
// approved at once.
func (s *Server) firstReviewState(build *resource) (string, *refusal) {
	state := "WAITING_FOR_REVIEW"
	for _, other := range s.db.all("betaAppReviewSubmissions") {
		peer := s.db.get("builds", other.one["build"])
		if peer == nil || peer == build || peer.flag("expired") {
			continue
		}
		if peer.one["preReleaseVersion"] != build.one["preReleaseVersion"] {
			continue
		}
		switch other.text("betaReviewState") {
		case "APPROVED":
			state = "APPROVED"
		case "WAITING_FOR_REVIEW", "IN_REVIEW":
			return "", unprocessable("ENTITY_UNPROCESSABLE.ANOTHER_BUILD_IN_REVIEW",
				"Another build is in review.", "You already have a build of this version in beta review.")
		}
	}
	return state, nil
}

// advanceReviews ends the reviews whose time is over.
func (s *Server) advanceReviews(now time.Time) {
	if s.options.ReviewTime == 0 {
		return
	}
	for _, submission := range slices.Clone(s.db.all("betaAppReviewSubmissions")) {
		ended := !now.Before(submission.submittedAt.Add(s.options.ReviewTime))
		if submission.text("betaReviewState") == "WAITING_FOR_REVIEW" && ended {
			submission.set("betaReviewState", "APPROVED")
			s.deriveBetaStates(s.db.get("builds", submission.one["build"]))
		}
	}
}
