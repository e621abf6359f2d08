package sandbox

import "fmt"

func appClipKinds() map[string]kind {
	return map[string]kind{
		"buildBundles": {singular: "buildBundle"},
		"betaAppClipInvocations": {
			create:   (*Server).createAppClipInvocation,
			remove:   (*Server).removeInvocation,
			singular: "betaAppClipInvocation",
		},
		"betaAppClipInvocationLocalizations": {create: (*Server).createInvocationLocalization},
	}
}

func (s *Server) createInvocationLocalization(in input) (*resource, *refusal) {
	if refused := s.checkTitle(in.one["betaAppClipInvocation"], in.attrs); refused != nil {
		return nil, refused
	}
	return s.insert("betaAppClipInvocationLocalizations", in), nil
}

// removeInvocation removes the titles of an invocation.
func (s *Server) removeInvocation(invocation *resource) *refusal {
	for _, title := range s.db.related(invocation, "betaAppClipInvocationLocalizations") {
		s.db.remove(title)
	}
	return nil
}

// createAppClipInvocation makes an app clip invocation with the titles that are
// included under temporary ids.
func (s *Server) createAppClipInvocation(in input) (*resource, *refusal) {
	bundle := s.db.get("buildBundles", in.one["buildBundle"])
	if bundle.text("bundleType") != "APP_CLIP" {
		return nil, badRelationship("buildBundle", "ENTITY_ERROR.RELATIONSHIP.INVALID",
			"The bundle is not that of an app clip.")
	}
	for _, other := range s.db.all("betaAppClipInvocations") {
		if other.one["buildBundle"] == bundle.id && other.attrs["url"] == in.attrs["url"] {
			return nil, duplicate("url")
		}
	}
	var titles []map[string]any
	for _, id := range in.many["betaAppClipInvocationLocalizations"] {
		title := in.includedAttributes(id)
		if title == nil {
			return nil, badRelationship("betaAppClipInvocationLocalizations", "ENTITY_ERROR.RELATIONSHIP.INVALID",
				fmt.Sprintf("'%s' is not included", id))
		}
		if refused := s.checkTitle("", title); refused != nil {
			return nil, refused
		}
		titles = append(titles, title)
	}
	invocation := s.db.add("betaAppClipInvocations", newID()).set("url", in.attrs["url"])
	invocation.one["buildBundle"] = bundle.id
	for _, attributes := range titles {
		title := s.db.add("betaAppClipInvocationLocalizations", newID())
		title.set("locale", attributes["locale"], "title", attributes["title"]).one["betaAppClipInvocation"] = invocation.id
	}
	return invocation, nil
}

// includedAttributes are those of a resource in included.
func (in input) includedAttributes(id string) map[string]any {
	for _, other := range in.included {
		if other["id"] == id {
			attributes, _ := other["attributes"].(map[string]any)
			return attributes
		}
	}
	return nil
}

// checkTitle checks the title of an invocation, which may have one per locale.
func (s *Server) checkTitle(invocationID string, attributes map[string]any) *refusal {
	title, _ := attributes["title"].(string)
	locale, _ := attributes["locale"].(string)
	if title == "" || locale == "" {
		return badAttribute("title", "ENTITY_ERROR.ATTRIBUTE.REQUIRED", "A title and its locale are required.")
	}
	for _, other := range s.db.all("betaAppClipInvocationLocalizations") {
		if invocationID != "" && other.one["betaAppClipInvocation"] == invocationID && other.text("locale") == locale {
			return duplicate("locale")
		}
	}
	return nil
}
