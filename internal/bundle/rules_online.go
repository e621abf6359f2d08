package bundle

// onlineRules are those that need the service: they are checked where an app
// is looked up, and by Apple after the upload.
func onlineRules() []Rule {
	return []Rule{
		{
			ID: "app-missing", Codes: []string{"90054", "90055"}, Severity: SeverityError, Online: true,
			Title:  "There is an app record with the package's bundle id.",
			Remedy: "create the app in App Store Connect, or upload the package of the right app",
		},
		{
			ID: "version-closed", Codes: []string{"90062", "90186"}, Severity: SeverityError, Online: true,
			Title:  "The version is higher than that of the app in the App Store.",
			Remedy: "raise MARKETING_VERSION: the version train is closed once a version is approved",
		},
		{
			ID: "build-number-used", Codes: []string{"90189"}, Severity: SeverityError, Online: true,
			Title:  "The version and build number have not been used.",
			Remedy: "raise CURRENT_PROJECT_VERSION; ascend builds next-number prints the next free one",
		},
		{
			ID: "build-number-lower", Codes: []string{"90478"}, Severity: SeverityError, Online: true,
			Title:  "The build number is higher than those of the version's other builds.",
			Remedy: "raise CURRENT_PROJECT_VERSION; ascend builds next-number prints the next free one",
		},
		{
			ID: "group-missing", Severity: SeverityError, Online: true,
			Title:  "The groups that are to get the build are there.",
			Remedy: "correct the name, or create the group: --create-groups",
		},
		{
			ID: "review-not-ready", Severity: SeverityWarning, Online: true,
			Title:  "What beta review needs is filled in before a build goes to external testers.",
			Remedy: "give --review-info-json, --feedback-email and --what-to-test, or fill them in in App Store Connect under TestFlight, Test Information",
		},
		{
			ID: "role-too-low", Severity: SeverityWarning, Online: true,
			Title:  "The key's role can do what the run asks for.",
			Remedy: "make a key with the role App Manager: a Developer's uploads, but gives builds to nobody",
		},
		{
			ID: "private-api", Codes: []string{"90338"}, Severity: SeverityError, Online: true,
			Title:  "The app uses public interfaces only.",
			Remedy: "Apple's message names the symbols: remove or update the code or SDK that uses them",
		},
	}
}
