package sandbox

func betaGroupKinds() map[string]kind {
	return map[string]kind{
		"betaGroups": {
			create:   (*Server).createBetaGroup,
			link:     (*Server).linkBetaGroup,
			singular: "betaGroup",
			inverse:  map[string]string{"betaTesters": "betaGroups", "builds": "betaGroups"},
			// An internal group with access to all builds has them without a link.
			implied: func(group *resource, name string, other *resource) bool {
				return name == "builds" && group.flag("hasAccessToAllBuilds") && other.one["app"] == group.one["app"]
			},
		},
	}
}

func (s *Server) createBetaGroup(in input) (*resource, *refusal) {
	if allBuilds, _ := in.attrs["hasAccessToAllBuilds"].(bool); allBuilds && in.attrs["isInternalGroup"] != true {
		return nil, badAttribute("hasAccessToAllBuilds", "ENTITY_ERROR.ATTRIBUTE.INVALID",
			"Only internal groups can have access to all builds.")
	}
	in.setDefaults(
		"isInternalGroup", false, "hasAccessToAllBuilds", false, "publicLinkEnabled", false, "feedbackEnabled", true,
	)
	in.attrs["createdDate"] = stamp(s.options.Now())
	return s.insert("betaGroups", in), nil
}

func (s *Server) linkBetaGroup(group *resource, name string, ids []string) *refusal {
	if name != "builds" {
		return nil
	}
	for _, id := range ids {
		if refused := s.mayTest(s.db.get("builds", id), group); refused != nil {
			return refused
		}
	}
	return nil
}

// mayTest applies TestFlight's rules for giving a build to a group.
func (s *Server) mayTest(build, group *resource) *refusal {
	notAssignable := func(detail string) *refusal {
		return unprocessable("ENTITY_UNPROCESSABLE", "Build is not assignable.", detail)
	}
	switch detail := s.db.get("buildBetaDetails", build.id); {
	case group.one["app"] != build.one["app"]:
		return unprocessable("ENTITY_UNPROCESSABLE", "The group belongs to another app.",
			"The group and the build are not of the same app.")
	case group.flag("isInternalGroup") && group.flag("hasAccessToAllBuilds"):
		return unprocessable("ENTITY_UNPROCESSABLE", "Builds cannot be assigned to this internal group.",
			"Cannot add internal group to a build.")
	case build.flag("expired"):
		return notAssignable("The build has expired.")
	case build.text("processingState") != "VALID" || detail == nil || s.settling(build):
		return notProcessed()
	case detail.text("internalBuildState") == "MISSING_EXPORT_COMPLIANCE":
		return notAssignable("The build is missing export compliance.")
	case !group.flag("isInternalGroup") && build.text("buildAudienceType") == "INTERNAL_ONLY":
		return notAssignable("The build is for internal testing only.")
	}
	return nil
}
