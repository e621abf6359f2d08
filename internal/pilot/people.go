package pilot

import (
	"cmp"
	"strings"
)

// people translates the commands about testers.
func (in *invocation) people(t *Translation, w World) error {
	t.add("testers", in.command)
	if err := in.app(t, w, true); err != nil {
		return err
	}
	groups := in.items("groups")
	if in.command != "find" {
		for _, g := range groups {
			t.add("--groups", escapeComma(g))
		}
	} else if len(groups) > 0 {
		t.notice("groups are not used: find looks at all testers of the app")
	}
	switch in.command {
	case "export", "import":
		t.add(cmp.Or(in.text("testers_file_path"), "./testers.csv"))
	case "add", "find", "remove":
		emails := in.arguments
		if len(emails) == 0 && in.given("email") {
			emails = []string{in.text("email")}
		}
		if len(emails) == 0 {
			return fail("fastlane pilot "+in.command+" dana@example.com", "whose e-mail address?")
		}
		if in.command == "add" {
			for _, name := range []string{"first_name", "last_name"} {
				if in.given(name) {
					t.add("--"+strings.ReplaceAll(name, "_", "-"), in.text(name))
				}
			}
			if len(groups) == 0 {
				return fail("name them with --groups", "pilot add without groups adds nobody to anything")
			}
		}
		t.add(emails...)
	}
	return nil
}
