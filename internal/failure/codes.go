package failure

// Pages where something can be done.
const (
	agreementsPage = "https://appstoreconnect.apple.com/business"
	accessPage     = "https://appstoreconnect.apple.com/access/integrations/api"
	contactPage    = "https://developer.apple.com/contact/"
	statusPage     = "https://developer.apple.com/system-status/"
	accountPage    = "https://developer.apple.com/account"
)

// roleHint is for a key whose role is too low.
const roleHint = "the key's role does not allow this: uploading needs Developer or higher; " +
	"testers, groups, notes and review need App Manager or Admin"

// forbidden are the refusals with 403, which only code and text tell apart
// (F10, F11).
func forbidden() []Entry {
	const membership = "the Account Holder renews the membership; no upload works before that"
	return []Entry{
		{Code: "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED", Status: 403, Meaning: "a required agreement is missing or has expired", Passes: Never, Kind: Auth,
			Hint: "the team's agreement is unsigned or has expired: only the Account Holder can accept it, in App Store Connect under Business", Link: agreementsPage},
		{Code: "FORBIDDEN_ERROR.CONTRACT_NOT_VALID", Status: 403, Meaning: "the team lacks a contract that the operation requires", Passes: Never, Kind: Auth,
			Hint: "an agreement waits for the Account Holder in App Store Connect under Business, or the membership has lapsed; nobody of the team can upload meanwhile", Link: agreementsPage},
		{Code: "FORBIDDEN_ERROR", Status: 403, Text: "not associated with an active membership", Meaning: "the team's membership has lapsed", Passes: Never, Kind: Auth,
			Hint: membership, Link: accountPage},
		{Code: "FORBIDDEN_ERROR", Status: 403, Text: "allowed operation", Meaning: "the resource does not offer that operation", Passes: Never, Kind: Rejected,
			Hint: "the API does not offer this request: update ascend, or report it"},
		{Code: "FORBIDDEN", Status: 403, Text: "license agreement", Meaning: "the Program License Agreement has to be accepted", Passes: Never, Kind: Auth,
			Hint: "the Account Holder accepts the Program License Agreement", Link: accountPage},
		{Code: "FORBIDDEN_ERROR", Status: 403, Meaning: "the key's role does not allow this", Passes: Never, Kind: Auth,
			Hint: roleHint, Link: accessPage},
		{Code: "FORBIDDEN", Status: 403, Meaning: "access is refused to the key or its team", Passes: Never, Kind: Auth,
			Hint: "the key's role does not allow this, or the team's membership or agreements are not in order: uploading needs Developer or higher; testers, groups, notes and review need App Manager or Admin", Link: accessPage},
	}
}

// unprocessable are well-formed requests that were refused with 422 (F5 to F9).
func unprocessable() []Entry {
	const (
		code            = "ENTITY_UNPROCESSABLE"
		otherReview     = "the build is uploaded and stays in its groups; submit it when that review has ended, or expire the other build"
		missingContract = "neither another build nor another try helps: see whether an agreement waits for the Account Holder, then ask Apple's support"
		notReady        = "run the same command again in some minutes"
	)
	return []Entry{
		{Code: code + ".SUBMISSION_LIMIT_REACHED", Status: 422, Meaning: "the day's submissions for beta review are used up (about six)", Passes: Later, Kind: Rejected,
			Hint: "the build is uploaded and stays in its groups; submit it for beta review in some hours"},
		{Code: code + ".ANOTHER_BUILD_IN_REVIEW", Status: 422, Meaning: "another build of the version is in beta review, which takes one at a time", Passes: Later, Kind: Rejected,
			Hint: otherReview},
		{Code: code, Status: 422, Text: "another build", Meaning: "another build of the version is in beta review, which takes one at a time", Passes: Later, Kind: Rejected,
			Hint: otherReview},
		{Code: code + ".BETA_CONTRACT_MISSING", Status: 422, Meaning: "Apple's record of the app lacks its beta contract", Passes: Never, Kind: Rejected,
			Hint: missingContract, Link: contactPage},
		{Code: code, Status: 422, Text: "beta contract is missing", Meaning: "Apple's record of the app lacks its beta contract", Passes: Never, Kind: Rejected,
			Hint: missingContract, Link: contactPage},
		{Code: code + ".BUILD_SDK_NOT_ALLOWED_FOR_EXTERNAL_TESTING", Status: 422, Meaning: "the build was made with a beta SDK", Passes: Never, Kind: Rejected,
			Hint: "it is good for internal testing only; build with a released Xcode for external testers"},
		{Code: code + ".INVALID_QC_STATE", Status: 422, Meaning: "the build cannot be submitted now: it is submitted or reviewed already, or was processed a moment ago", Passes: Soon, Kind: Rejected,
			Hint: "look at the build's review state; if it has none, submit it again in some minutes"},
		{Code: code, Status: 422, Text: "beta app description", Meaning: "beta review wants a description of the app", Passes: Never, Kind: Rejected,
			Hint: "fill in the description of the app's test information in its primary language, then submit again"},
		{Code: code, Status: 422, Text: "not in a valid processing state", Meaning: "the build was processed a moment ago and is not ready yet", Passes: Soon, Kind: Rejected,
			Hint: notReady},
		{Code: code, Status: 422, Text: "internal testing state", Meaning: "the build has not reached internal testing yet", Passes: Soon, Kind: Rejected,
			Hint: notReady},
		{Code: code, Status: 422, Text: "not in state for internal testing", Meaning: "the build has not reached internal testing yet", Passes: Soon, Kind: Rejected,
			Hint: notReady},
		{Code: code, Status: 422, Text: "internal group", Meaning: "the internal group gets every build by itself", Passes: Never, Kind: Rejected,
			Hint: "nothing is to be done: the group has the build"},
		{Code: code, Status: 422, Text: "expired", Meaning: "the build has expired", Passes: Never, Kind: Rejected, Hint: "upload a new build"},
		{Code: code, Status: 422, Meaning: "the request is well formed, but refused for the state of what it is about", Passes: Never, Kind: Rejected,
			Hint: "Apple's text says what is in the way"},
	}
}

// conflicts are refusals with 409 (F13 to F20).
func conflicts() []Entry {
	const invalid = "ENTITY_ERROR.ATTRIBUTE.INVALID"
	return []Entry{
		{Code: CodeDuplicate, Status: 409, Meaning: "the build number is not higher than the highest there is", Passes: Never, Kind: Conflict,
			Hint: "raise the build number (CFBundleVersion) and export again"},
		{Code: CodeState, Status: 409, Text: "upload limit", Meaning: "the app's uploads of the day are used up (90382)", Passes: Later, Kind: Rejected,
			Hint: "the package is good: upload it again in a day"},
		{Code: CodeState, Status: 409, Text: "closed for new build submissions", Meaning: "the version is closed for new builds", Passes: Never, Kind: Rejected,
			Hint: "raise the version (CFBundleShortVersionString) and export again"},
		{Code: CodeState, Status: 409, Text: "sdk version issue", Meaning: "the SDK is too old", Passes: Never, Kind: Rejected, Hint: "build with a newer Xcode"},
		{Code: CodeState, Status: 409, Text: "tester(s) cannot be assigned", Meaning: "the tester cannot be in the group", Passes: Never, Kind: Rejected,
			Hint: "in an internal group every tester must be a user of the team: invite the address under Users and Access first, or use an external group"},
		{Code: CodeState + ".TESTER_INVITE.NO_INSTALLABLE_BUILDS", Status: 409, Meaning: "the tester has no build that can be installed yet", Passes: Later, Kind: Rejected,
			Hint: "the invitation goes out by itself once a build of the tester's groups is approved"},
		{Code: CodeState, Status: 409, Text: "auto-notify already enabled", Meaning: "testers are notified by themselves", Passes: Never, Kind: Rejected, Hint: "nothing is to be done"},
		{Code: CodeValidation, Status: 409, Meaning: "the package, or its numbers, failed Apple's validation", Passes: Never, Kind: Rejected,
			Hint: "mend what Apple's text names, export and upload again"},
		{Code: CodeState, Status: 409, Meaning: "not possible in the present state", Passes: Never, Kind: Rejected, Hint: "Apple's text names the state that is in the way"},
		{Code: "ENTITY_ERROR.RELATIONSHIP.INVALID", Status: 409, Text: "already related", Meaning: "it is there already", Passes: Never, Kind: Rejected, Hint: "nothing is to be done"},
		{Code: "ENTITY_ERROR.RELATIONSHIP.INVALID", Status: 409, Meaning: "what the request refers to does not exist, or is not visible to the key", Passes: Never, Kind: Rejected,
			Hint: "look at the id, and whether the key is limited to other apps"},
		{Code: invalid + ".TOO_LONG", Status: 409, Meaning: "a text is too long", Passes: Never, Kind: Rejected, Hint: "shorten it to what Apple's text says"},
		{Code: invalid, Status: 409, Text: "already set", Meaning: "the value can be set once, and is set", Passes: Never, Kind: Rejected,
			Hint: "only a new build can have another value"},
		{Code: invalid, Status: 409, Text: "same 'locale'", Meaning: "there is a text in that locale already", Passes: Never, Kind: Rejected, Hint: "change the one that is there"},
		{Code: invalid, Status: 409, Text: "'locale' value is invalid", Meaning: "App Store Connect has no such locale", Passes: Never, Kind: Rejected, Hint: "use one of its locales, such as en-US or de-DE"},
		{Code: invalid, Status: 409, Text: "invalid characters", Meaning: "a text has characters that App Store Connect refuses", Passes: Never, Kind: Rejected,
			Hint: "remove emoji and the characters that Apple's text names"},
		{Code: invalid, Status: 409, Meaning: "an attribute has a value that is not accepted", Passes: Never, Kind: Rejected, Hint: "Apple's text names the attribute"},
		{Code: "ENTITY_ERROR.ATTRIBUTE.REQUIRED", Status: 409, Meaning: "a required attribute is missing", Passes: Never, Kind: Rejected, Hint: "Apple's text names the attribute"},
		{Code: "ENTITY_ERROR.RELATIONSHIP.REQUIRED", Status: 409, Meaning: "a required relationship is missing", Passes: Never, Kind: Rejected, Hint: "Apple's text names the relationship"},
		{Code: "ENTITY_ERROR", Status: 409, Meaning: "the body of the request is not accepted", Passes: Never, Kind: Rejected, Hint: "Apple's text names the place"},
	}
}

// others are the remaining refusals of the API.
func others() []Entry {
	return []Entry{
		{Code: "NOT_AUTHORIZED", Status: 401, Meaning: "the token is missing, expired or not accepted", Passes: Never, Kind: Auth,
			Hint: "check that key id, issuer id and key belong together, that the key was not revoked, and this machine's clock; an individual key has no issuer id", Link: accessPage},
		{Code: "NOT_FOUND", Status: 404, Text: "type 'apps'", Meaning: "the app does not exist for this key, or App Store Connect does not find it for a moment", Passes: Soon, Kind: Transfer,
			Hint: "run the same command again; if it stays, look whether the key sees the app"},
		{Code: "NOT_FOUND", Status: 404, Meaning: "it does not exist, or is not visible to the key", Passes: Never, Kind: NotFound, Hint: "look at the id, and whether the key is of another team"},
		{Code: "PATH_ERROR", Status: 404, Meaning: "the API has no such path", Passes: Never, Kind: NotFound, Hint: "look at the API's address"},
		{Code: "PARAMETER_ERROR", Status: 400, Meaning: "a parameter of the request is not accepted", Passes: Never, Kind: Rejected, Hint: "update ascend, or report it: it should not send this"},
		{Code: "RATE_LIMIT_EXCEEDED", Status: 429, Meaning: "too many requests", Passes: Soon, Kind: Transfer,
			Hint: "the key's hourly allowance is used up, or too many requests came at once; wait, or use a key of its own for this pipeline"},
		{Code: "UNEXPECTED_ERROR", Status: 500, Meaning: "App Store Connect has a problem", Passes: Soon, Kind: Transfer, Hint: "run the same command again later", Link: statusPage},
	}
}

// processing are findings of Apple's processing that no preflight rule is about.
func processing() []Entry {
	return []Entry{
		{Code: "90382", Meaning: "the app's uploads of the day are used up", Passes: Later, Kind: Rejected, Hint: "the package is good: upload it again in a day"},
		{Code: "90129", Meaning: "the bundle name or display name belongs to another app", Passes: Never, Kind: Rejected, Hint: "use the name that was accepted before"},
		{Code: "90100", Meaning: "the device family is not supported", Passes: Never, Kind: Rejected, Hint: "correct UIDeviceFamily in Info.plist; the build number stays usable"},
		{Code: "90338", Meaning: "the app uses private API", Passes: Never, Kind: Rejected, Hint: "remove what Apple's text names, also from libraries"},
		{Code: "90022", Meaning: "an icon is missing or wrong", Passes: Never, Kind: Rejected, Hint: "complete the asset catalogue's AppIcon"},
		{Code: "90023", Meaning: "an icon is missing or wrong", Passes: Never, Kind: Rejected, Hint: "complete the asset catalogue's AppIcon"},
	}
}
