package pilot

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// A World is what a translation looks at.
type World struct {
	Getenv func(string) string
	// Dir is the working directory.
	Dir fs.FS
}

// A Translation is ascend's way of saying the same.
type Translation struct {
	// Args are ascend's arguments.
	Args []string
	// Secrets are variables to be set for it, which are not to be shown.
	Secrets map[string]string
	// Hidden are texts among the arguments that are not to be shown either.
	Hidden []string
	// Notices say what was understood in another way, one line each.
	Notices []string
	// Explain tells that the user wants to see it, not to run it; Help that
	// nothing is to be done at all.
	Explain, Help bool
}

func (t *Translation) add(args ...string) { t.Args = append(t.Args, args...) }

func (t *Translation) notice(format string, args ...any) {
	t.Notices = append(t.Notices, fmt.Sprintf(format, args...))
}

// Translate translates a command line of pilot's, without the word pilot.
func Translate(args []string, w World) (Translation, error) {
	var t Translation
	in, err := parse(args, w.Getenv)
	if err != nil {
		return t, err
	}
	t.Explain, t.Help = in.explain, in.help || in.command == "" && len(in.arguments) == 0
	if t.Help {
		return t, nil
	}
	if in.command == "" {
		return t, &Error{Message: fmt.Sprintf("there is no command %q", in.arguments[0]), Unknown: in.arguments[0], Known: Commands}
	}
	in.refuse(&t)
	switch in.command {
	case "upload":
		err = in.upload(&t, w)
	case "distribute":
		err = in.distribute(&t, w)
	case "builds":
		t.add("builds", "list")
		err = in.app(&t, w, true)
	default:
		err = in.people(&t, w)
	}
	if err != nil {
		return t, err
	}
	if in.json {
		t.add("--json")
	}
	return t, in.key(&t)
}

// refuse tells of options that have no meaning here.
func (in *invocation) refuse(t *Translation) {
	for _, o := range options {
		v, ok := in.values[o.name]
		switch {
		case !ok:
		case o.appleID && v.explicit:
			t.notice("--%s is not used: it has no meaning with an API key", o.name)
		case o.appleID:
			t.notice("%s is not used: it has no meaning with an API key", v.source)
		}
	}
}

// key passes the API key on. An inline key is passed by variables.
func (in *invocation) key(t *Translation) error {
	inline, file := in.values["api_key"], in.values["api_key_path"]
	switch {
	case in.given("api_key") && in.given("api_key_path") && inline.explicit && file.explicit:
		return fail("give one of them", "--api_key and --api_key_path do not go together")
	case in.given("api_key") && !(file.explicit && !inline.explicit):
		var k struct {
			KeyID       string `json:"key_id"`
			IssuerID    string `json:"issuer_id"`
			Key         string `json:"key"`
			Filepath    string `json:"filepath"`
			KeyFilepath string `json:"key_filepath"`
			InHouse     bool   `json:"in_house"`
		}
		if err := json.Unmarshal([]byte(inline.text), &k); err != nil {
			return fail("an object with key_id, issuer_id and key", "%s does not hold an API key", inline.source)
		}
		t.Secrets = map[string]string{"ASCEND_KEY_ID": k.KeyID, "ASCEND_ISSUER_ID": k.IssuerID, "ASCEND_KEY": k.Key, "ASCEND_KEY_FILE": cmp.Or(k.Filepath, k.KeyFilepath)}
		if k.InHouse {
			t.Secrets["APP_STORE_CONNECT_API_KEY_IN_HOUSE"] = "true"
		}
		for name, v := range t.Secrets {
			if v == "" {
				delete(t.Secrets, name)
			}
		}
	case in.given("api_key_path"):
		t.add("--api-key-path", file.text)
	}
	return nil
}

// app names the app: Apple ID, bundle id, or what a fastlane Appfile says.
func (in *invocation) app(t *Translation, w World, needed bool) error {
	id := in.text("apple_id")
	switch {
	case strings.Contains(id, "@"):
		return fail("it is the number of the app, not the e-mail address of an account", "apple_id %q is an e-mail address", id)
	case id != "" && strings.Trim(id, "0123456789") != "":
		return fail("it is the number of the app; the bundle id goes into --app_identifier", "apple_id %q is not a number", id)
	case id != "":
		t.add("--app", id)
	case in.given("app_identifier"):
		t.add("--app", in.text("app_identifier"))
	case needed:
		id, file := appfile(w.Dir)
		if id == "" {
			return fail("--app_identifier com.example.demo, PILOT_APP_IDENTIFIER, or app_identifier in fastlane/Appfile", "which app?")
		}
		t.notice("app_identifier %s comes from %s", id, file)
		t.add("--app", id)
	}
	return nil
}

// appIdentifier finds a plain literal in an Appfile. Anything that Ruby would
// have to work out is left alone.
var appIdentifier = regexp.MustCompile(`(?m)^\s*app_identifier[\s(]+["']([A-Za-z0-9.-]+)["']\s*\)?\s*(#.*)?$`)

func appfile(dir fs.FS) (id, file string) {
	if dir == nil {
		return "", ""
	}
	for _, name := range []string{"fastlane/Appfile", ".fastlane/Appfile", "Appfile"} {
		content, err := fs.ReadFile(dir, name)
		if err != nil {
			continue
		}
		if m := appIdentifier.FindSubmatch(content); m != nil {
			return string(m[1]), name
		}
	}
	return "", ""
}

var platforms = map[string]string{"ios": "ios", "appletvos": "tvos", "tvos": "tvos", "osx": "macos", "mac": "macos", "macos": "macos", "xros": "visionos", "visionos": "visionos"}

func (in *invocation) platform(t *Translation) error {
	if !in.given("app_platform") {
		return nil
	}
	platform, ok := platforms[strings.ToLower(in.text("app_platform"))]
	if !ok {
		return fail("ios, appletvos, osx or xros", "app_platform %q is not one of pilot's", in.text("app_platform"))
	}
	t.add("--platform", platform)
	return nil
}

func (in *invocation) upload(t *Translation, w World) error {
	if in.flag("distribute_only", false) {
		t.notice("distribute_only: nothing is uploaded")
		return in.distribute(t, w)
	}
	file, err := in.pack(t, w)
	if err != nil {
		return err
	}
	if len(in.arguments) > 0 {
		t.notice("pilot upload takes no arguments: %s is not used", strings.Join(in.arguments, " "))
	}
	for _, name := range []string{"app_version", "build_number"} {
		if in.given(name) {
			t.notice("%s is not used: the package says it itself", name)
		}
	}
	t.add("upload", file)
	if err := in.app(t, w, false); err != nil {
		return err
	}
	if err := in.platform(t); err != nil {
		return err
	}
	if in.flag("skip_waiting_for_build_processing", false) {
		if !in.given("changelog") && !in.given("localized_build_info") {
			t.add("--no-wait")
			if in.given("groups") {
				t.notice("groups are not used: skip_waiting_for_build_processing ends before there is a build to give them; run pilot distribute later")
			}
			return nil
		}
		t.add("--until-appears")
		t.notice("skip_waiting_for_build_processing: it waits until the build appears, to write the note on it; groups need a processed one: run pilot distribute later")
	} else {
		t.notice("it waits until Apple has processed the build; --skip_waiting_for_build_processing ends after the upload")
	}
	return in.distribution(t)
}

func (in *invocation) distribute(t *Translation, w World) error {
	t.add("distribute")
	if err := in.app(t, w, true); err != nil {
		return err
	}
	if err := in.platform(t); err != nil {
		return err
	}
	if in.given("app_version") {
		t.add("--version", in.text("app_version"))
	}
	if in.given("build_number") {
		t.add("--build-number", in.text("build_number"))
	}
	return in.distribution(t)
}
