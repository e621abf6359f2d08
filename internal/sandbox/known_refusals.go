package sandbox

// knownTexts are the titles and details of codes that are not told apart by
// anything else (F5, F10, F22). Where the service's text was not seen, it is the
// sandbox's own.
var knownTexts = map[string]struct{ title, detail string }{
	"ENTITY_UNPROCESSABLE.INVALID_QC_STATE": { // text not seen
		"The build is not in a state for review.", "The build cannot be submitted for review in its current state.",
	},
	"ENTITY_UNPROCESSABLE.SUBMISSION_LIMIT_REACHED": {
		"Submission limit has been reached.", "Submission limit has been reached.",
	},
	"ENTITY_UNPROCESSABLE.ANOTHER_BUILD_IN_REVIEW": {
		"Another build is in review.",
		"Another build in the same train is already in beta review. Please submit it again once it gets completed.",
	},
	"ENTITY_UNPROCESSABLE.BETA_CONTRACT_MISSING": {
		"Beta contract is missing for the app.", "Beta Contract is missing.",
	},
	"FORBIDDEN_ERROR.CONTRACT_NOT_VALID": {
		"You do not have required contracts to perform an operation", "",
	},
	"FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED": {
		"A required agreement is missing or has expired.", "",
	},
	"RATE_LIMIT_EXCEEDED": {
		"The request rate limit has been reached.",
		"We've received too many requests for this API. Please wait and try again or slow down your request rate.",
	},
}

// knownRefusal is a refusal with the text of its code, if that is known.
func knownRefusal(status int, code string) *refusal {
	text, ok := knownTexts[code]
	if !ok {
		text.title, text.detail = "A fault that was asked for", "This is a fault that was asked for."
	}
	return &refusal{status: status, code: code, title: text.title, detail: text.detail}
}
