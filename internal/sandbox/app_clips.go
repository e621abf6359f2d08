package sandbox

import "fmt"

// createInvocation makes an app clip invocation with the titles that come
// along under temporary ids.
func (s *Server) createInvocation(in input) (*resource, *refusal) {
	bundle := s.world.get("buildBundles", in.one["buildBundle"])
	if bundle.text("bundleType") != "APP_CLIP" {
		return nil, badRelationship("buildBundle", "ENTITY_ERROR.RELATIONSHIP.INVALID", "The bundle is not that of an app clip.")
	}
	for _, other := range s.world.all("betaAppClipInvocations") {
		if other.one["buildBundle"] == bundle.id && other.attrs["url"] == in.attrs["url"] {
			return nil, badAttribute("url", "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE", "The provided entity includes an attribute with a value that has already been used")
		}
	}
	var titles []map[string]any
	for _, id := range in.many["betaAppClipInvocationLocalizations"] {
		title := in.along(id)
		if title == nil {
			return nil, badRelationship("betaAppClipInvocationLocalizations", "ENTITY_ERROR.RELATIONSHIP.INVALID", fmt.Sprintf("'%s' is not included", id))
		}
		if refused := s.checkTitle("", title); refused != nil {
			return nil, refused
		}
		titles = append(titles, title)
	}
	invocation := s.world.add("betaAppClipInvocations", newID()).set("url", in.attrs["url"])
	invocation.one["buildBundle"] = bundle.id
	for _, attributes := range titles {
		s.world.add("betaAppClipInvocationLocalizations", newID()).set("locale", attributes["locale"], "title", attributes["title"]).one["betaAppClipInvocation"] = invocation.id
	}
	return invocation, nil
}

// along returns the attributes of a resource that came along.
func (in input) along(id string) map[string]any {
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
	for _, other := range s.world.all("betaAppClipInvocationLocalizations") {
		if invocationID != "" && other.one["betaAppClipInvocation"] == invocationID && other.text("locale") == locale {
			return badAttribute("locale", "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE", "The provided entity includes an attribute with a value that has already been used")
		}
	}
	return nil
}
