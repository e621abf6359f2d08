package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"
)

// create makes a resource, with the rules of its kind.
func (s *Server) create(kind string, in input) (*resource, *refusal) {
	switch kind {
	case "buildUploads":
		return s.createBuildUpload(in)
	case "buildUploadFiles":
		return s.createBuildUploadFile(in)
	case "betaAppReviewSubmissions":
		return s.submitForReview(in)
	case "betaGroups":
		if allBuilds, _ := in.attrs["hasAccessToAllBuilds"].(bool); allBuilds && in.attrs["isInternalGroup"] != true {
			return nil, badAttribute("hasAccessToAllBuilds", "ENTITY_ERROR.ATTRIBUTE.INVALID", "Only internal groups can have access to all builds.")
		}
		in.setDefaults("isInternalGroup", false, "hasAccessToAllBuilds", false, "publicLinkEnabled", false, "feedbackEnabled", true)
		in.attrs["createdDate"] = stamp(s.options.Now())
	case "betaBuildLocalizations", "betaAppLocalizations":
		if refused := s.checkLocalization(kind, in); refused != nil {
			return nil, refused
		}
	case "betaTesters":
		if refused := s.checkTester(in); refused != nil {
			return nil, refused
		}
		in.setDefaults("inviteType", "EMAIL", "state", "INVITED")
		in.many["apps"] = s.appsOf(in)
	case "buildBetaNotifications":
		return s.notify(in)
	case "betaAppClipInvocations":
		return s.createInvocation(in)
	case "betaTesterInvitations":
		return s.invite(in)
	case "webhooks":
		return s.createWebhook(in)
	case "webhookPings":
		return s.createPing(in)
	case "webhookDeliveries":
		return s.createDelivery(in)
	case "betaAppClipInvocationLocalizations":
		if refused := s.checkTitle(in.one["betaAppClipInvocation"], in.attrs); refused != nil {
			return nil, refused
		}
	}
	created := s.world.add(kind, newID())
	created.attrs, created.one = in.attrs, in.one
	for name, ids := range in.many {
		s.store(created, name, ids, http.MethodPost)
	}
	return created, nil
}

// setDefaults fills attributes that were not given.
func (in input) setDefaults(pairs ...any) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if name := pairs[i].(string); in.attrs[name] == nil {
			in.attrs[name] = pairs[i+1]
		}
	}
}

// maxWhatsNew is the longest what-to-test note.
const maxWhatsNew = 4000

func (s *Server) checkLocalization(kind string, in input) *refusal {
	owner, ownerID := "build", in.one["build"]
	if kind == "betaAppLocalizations" {
		owner, ownerID = "app", in.one["app"]
	}
	locale, _ := in.attrs["locale"].(string)
	if !slices.Contains(locales, locale) {
		return badAttribute("locale", "ENTITY_ERROR.ATTRIBUTE.INVALID", fmt.Sprintf("'%s' is not a valid value for the attribute 'locale'", locale))
	}
	for _, other := range s.world.all(kind) {
		if other.one[owner] == ownerID && other.text("locale") == locale {
			return badAttribute("locale", "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE", "The provided entity includes an attribute with a value that has already been used")
		}
	}
	return checkText(in)
}

// checkText refuses what TestFlight refuses in a note: emoji, '<', too much.
func checkText(in input) *refusal {
	text, _ := in.attrs["whatsNew"].(string)
	if utf8.RuneCountInString(text) > maxWhatsNew {
		return badAttribute("whatsNew", "ENTITY_ERROR.ATTRIBUTE.INVALID.TOO_LONG", fmt.Sprintf("The attribute 'whatsNew' must not be longer than %d characters", maxWhatsNew))
	}
	for _, r := range text {
		if r == '<' || r >= 0x1f000 || r >= 0x2600 && r < 0x27c0 {
			return badAttribute("whatsNew", "ENTITY_ERROR.ATTRIBUTE.INVALID.INVALID_CHARACTERS", fmt.Sprintf("The attribute 'whatsNew' contains invalid characters: %c", r))
		}
	}
	return nil
}

// locales are those that App Store Connect knows.
var locales = []string{
	"ar-SA", "bn-BD", "ca", "cs", "da", "de-DE", "el", "en-AU", "en-CA", "en-GB", "en-US", "es-ES", "es-MX", "fi", "fr-CA", "fr-FR", "gu-IN",
	"he", "hi", "hr", "hu", "id", "it", "ja", "kn-IN", "ko", "ml-IN", "mr-IN", "ms", "nl-NL", "no", "or-IN", "pa-IN", "pl", "pt-BR", "pt-PT",
	"ro", "ru", "sk", "sl-SI", "sv", "ta-IN", "te-IN", "th", "tr", "uk", "ur-PK", "vi", "zh-Hans", "zh-Hant",
}

func (s *Server) appsOf(in input) []string {
	var apps []string
	add := func(id string) {
		if id != "" && !slices.Contains(apps, id) {
			apps = append(apps, id)
		}
	}
	for _, id := range in.many["betaGroups"] {
		add(s.world.get("betaGroups", id).one["app"])
	}
	for _, id := range in.many["builds"] {
		add(s.world.get("builds", id).one["app"])
	}
	return apps
}

func (s *Server) checkTester(in input) *refusal {
	email, _ := in.attrs["email"].(string)
	for _, other := range s.world.all("betaTesters") {
		if other.text("email") != email {
			continue
		}
		for _, app := range s.appsOf(in) {
			if slices.Contains(other.many["apps"], app) {
				return badAttribute("email", "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE", "A tester with this email address exists already.")
			}
		}
	}
	return nil
}

func (s *Server) notify(in input) (*resource, *refusal) {
	build := s.world.get("builds", in.one["build"])
	detail := s.world.get("buildBetaDetails", build.id)
	if detail == nil || !slices.Contains([]string{"IN_BETA_TESTING", "BETA_APPROVED", "READY_FOR_BETA_TESTING"}, detail.text("externalBuildState")) {
		return nil, wrongState("STATE_ERROR.ENTITY_STATE_INVALID", "The build is not available to external testers.")
	}
	if detail.flag("autoNotifyEnabled") {
		return nil, wrongState("STATE_ERROR.ENTITY_STATE_INVALID", "The build has auto-notify already enabled.")
	}
	notification := &resource{kind: "buildBetaNotifications", id: newID()}
	return notification, nil
}

// update changes a resource, with the rules of its kind.
func (s *Server) update(target *resource, in input) *refusal {
	switch target.kind {
	case "buildUploadFiles":
		return s.commit(target, in)
	case "builds":
		return s.updateBuild(target, in)
	case "betaBuildLocalizations":
		if refused := checkText(in); refused != nil {
			return refused
		}
	case "webhooks":
		if address, given := in.attrs["url"]; given {
			if refused := checkWebhookURL(address); refused != nil {
				return refused
			}
		}
		if secret, given := in.attrs["secret"]; given {
			in.attrs["_secret"] = secret
			delete(in.attrs, "secret")
		}
	}
	for name, value := range in.attrs {
		target.attrs[name] = value
	}
	for name, id := range in.one {
		target.one[name] = id
	}
	return nil
}

func (s *Server) updateBuild(build *resource, in input) *refusal {
	if uses, given := in.attrs["usesNonExemptEncryption"]; given && uses != nil {
		switch {
		case build.text("processingState") != "VALID":
			return wrongState("STATE_ERROR.ENTITY_STATE_INVALID", "The build is not in a valid processing state.")
		case build.attrs["usesNonExemptEncryption"] == uses:
			return badAttribute("usesNonExemptEncryption", "ENTITY_ERROR.ATTRIBUTE.INVALID", "You cannot update when the value is already set.")
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
	s.settleBetaStates(build)
	return nil
}

// delete removes a resource and what belongs to it.
func (s *Server) delete(target *resource) *refusal {
	if target.kind == "buildUploads" {
		if state := uploadState(target); state != stateAwaiting && state != stateFailed {
			return wrongState("STATE_ERROR.ENTITY_STATE_INVALID", "A build upload cannot be deleted in the state "+state+".")
		}
		for _, file := range s.filesOf(target) {
			s.dropParts(file)
			s.world.remove(file)
		}
	}
	if target.kind == "betaAppClipInvocations" {
		for _, title := range s.world.related(target, "betaAppClipInvocationLocalizations") {
			s.world.remove(title)
		}
	}
	s.world.remove(target)
	return nil
}

// link changes a relationship, with the rules of TestFlight.
func (s *Server) link(target *resource, name string, ids []string, method string) *refusal {
	if method == http.MethodPost {
		switch {
		case target.kind == "builds" && name == "betaGroups":
			for _, id := range ids {
				if refused := s.mayTest(target, s.world.get("betaGroups", id)); refused != nil {
					return refused
				}
			}
		case target.kind == "betaGroups" && name == "builds":
			for _, id := range ids {
				if refused := s.mayTest(s.world.get("builds", id), target); refused != nil {
					return refused
				}
			}
		}
	}
	if method == http.MethodPatch && len(ids) == 1 {
		target.one[name] = ids[0]
	} else {
		s.store(target, name, ids, method)
	}
	for _, build := range s.world.all("builds") {
		s.settleBetaStates(build)
	}
	return nil
}

// store writes a to-many relationship on the side that keeps it.
func (s *Server) store(target *resource, name string, ids []string, method string) {
	change := func(r *resource, name, id string) {
		r.many[name] = slices.DeleteFunc(r.many[name], func(other string) bool { return other == id })
		if method == http.MethodPost {
			r.many[name] = append(r.many[name], id)
		}
	}
	for _, id := range ids {
		switch target.kind + "." + name {
		case "betaGroups.betaTesters":
			change(s.world.get("betaTesters", id), "betaGroups", target.id)
		case "betaGroups.builds":
			change(s.world.get("builds", id), "betaGroups", target.id)
		case "betaTesters.builds":
			change(s.world.get("builds", id), "individualTesters", target.id)
		case "apps.betaTesters":
			change(s.world.get("betaTesters", id), "apps", target.id)
		default:
			change(target, name, id)
		}
	}
}
