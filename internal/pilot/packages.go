package pilot

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// pack finds the package: named, or the only one in the folder.
func (in *invocation) pack(t *Translation, w World) (string, error) {
	ipa, pkg := in.values["ipa"], in.values["pkg"]
	mac := platforms[strings.ToLower(in.text("app_platform"))] == "macos"
	switch {
	case in.given("ipa") && in.given("pkg") && ipa.explicit && pkg.explicit:
		return "", fail("give one of them", "--ipa and --pkg do not go together")
	case in.given("ipa") && in.given("pkg"):
		chosen, other := ipa, pkg
		if pkg.explicit && !ipa.explicit || mac && ipa.explicit == pkg.explicit {
			chosen, other = pkg, ipa
		}
		t.notice("%s is used, and %s is not", chosen.source, other.source)
		return chosen.text, nil
	case in.given("ipa"):
		return ipa.text, nil
	case in.given("pkg"):
		return pkg.text, nil
	}
	var found []string
	for _, pattern := range []string{"*.ipa", "*.pkg"} {
		if w.Dir != nil {
			matches, err := fs.Glob(w.Dir, pattern)
			if err != nil {
				return "", err
			}
			found = append(found, matches...)
		}
	}
	if len(found) > 1 {
		wanted := ".ipa"
		if mac {
			wanted = ".pkg"
		}
		if fitting := slices.DeleteFunc(slices.Clone(found), func(f string) bool { return path.Ext(f) != wanted }); in.given("app_platform") && len(fitting) == 1 {
			found = fitting
		}
	}
	switch len(found) {
	case 0:
		return "", fail("--ipa FILE or --pkg FILE", "there is no .ipa or .pkg here, and none was named")
	case 1:
		t.notice("%s is the package found here", found[0])
		return found[0], nil
	}
	return "", fail("name one with --ipa or --pkg", "there are several packages here: %s", strings.Join(found, ", "))
}
