package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

func betaTesterKinds() map[string]kind {
	return map[string]kind{
		"betaTesters": {
			create:  (*Server).createBetaTester,
			inverse: map[string]string{"builds": "individualTesters"},
			filters: map[string]func(*resource, string) bool{
				"email": func(tester *resource, value string) bool { return strings.EqualFold(tester.text("email"), value) },
			},
		},
		"betaTesterInvitations": {create: (*Server).createInvitation},
	}
}

func (s *Server) createBetaTester(in input) (*resource, *refusal) {
	apps := s.appsOf(in)
	email, _ := in.attrs["email"].(string)
	for _, other := range s.db.all("betaTesters") {
		tests := func(app string) bool { return slices.Contains(other.many["apps"], app) }
		if other.text("email") == email && slices.ContainsFunc(apps, tests) {
			return nil, badAttribute("email", "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE", "A tester with this email address exists already.")
		}
	}
	in.setDefaults("inviteType", "EMAIL", "state", "INVITED")
	in.many["apps"] = apps
	return s.insert("betaTesters", in), nil
}

// appsOf are the apps of the groups and builds that a new tester gets.
func (s *Server) appsOf(in input) []string {
	var apps []string
	for _, kind := range []string{"betaGroups", "builds"} {
		for _, id := range in.many[kind] {
			if app := s.db.get(kind, id).one["app"]; app != "" && !slices.Contains(apps, app) {
				apps = append(apps, app)
			}
		}
	}
	return apps
}

// createInvitation sends the invitation of a tester again.
func (s *Server) createInvitation(in input) (*resource, *refusal) {
	id := in.one["betaTester"]
	if id == "" {
		return nil, badRelationship("betaTester", "ENTITY_ERROR.RELATIONSHIP.REQUIRED", "The tester to invite must be named.")
	}
	if tester := s.db.get("betaTesters", id); !slices.Contains(tester.many["apps"], in.one["app"]) {
		return nil, badRelationship("betaTester", "ENTITY_ERROR.RELATIONSHIP.INVALID",
			fmt.Sprintf("Tester '%s' does not test this app.", id))
	}
	return &resource{kind: "betaTesterInvitations", id: newID()}, nil
}
