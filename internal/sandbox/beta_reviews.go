package sandbox

import (
	"net/http"
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

// maySubmit refuses a build that is not ready for review (F5, F6, F9).
func (s *Server) maySubmit(build *resource) *refusal {
	detail := s.db.get("buildBetaDetails", build.id)
	if detail == nil || build.text("processingState") != "VALID" || s.settling(build) {
		return notProcessed()
	}
	switch detail.text("externalBuildState") {
	case "READY_FOR_BETA_SUBMISSION":
	case "MISSING_EXPORT_COMPLIANCE":
		return unprocessable("ENTITY_UNPROCESSABLE", "The build is missing export compliance.",
			"Export compliance must be answered before a build can be submitted for review.")
	case "WAITING_FOR_BETA_REVIEW", "IN_BETA_REVIEW", "BETA_APPROVED", "IN_BETA_TESTING", "BETA_REJECTED":
		return knownRefusal(http.StatusUnprocessableEntity, "ENTITY_UNPROCESSABLE.INVALID_QC_STATE")
	default:
		return unprocessable("ENTITY_UNPROCESSABLE",
			"The build is not in state for internal testing.", "Build is not in internal testing state.")
	}
	if !s.hasDescription(build.one["app"]) {
		return unprocessable("ENTITY_UNPROCESSABLE", "Beta App Description is missing.",
			"Beta App Description is required to submit a build for external testing.")
	}
	return nil
}

// notProcessed is the refusal of a build that is VALID but not settled, too.
func notProcessed() *refusal {
	const text = "The build is not in a valid processing state for this operation."
	return unprocessable("ENTITY_UNPROCESSABLE", text, text)
}

// hasDescription tells whether the beta localization for the primary locale of
// an app has a description.
func (s *Server) hasDescription(appID string) bool {
	locale := s.db.get("apps", appID).text("primaryLocale")
	return slices.ContainsFunc(s.db.all("betaAppLocalizations"), func(l *resource) bool {
		return l.one["app"] == appID && l.text("locale") == locale && l.text("description") != ""
	})
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
			return "", knownRefusal(http.StatusUnprocessableEntity, "ENTITY_UNPROCESSABLE.ANOTHER_BUILD_IN_REVIEW")
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
