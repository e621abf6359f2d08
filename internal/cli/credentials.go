package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
)

func credentialFlags() []cli.Flag {
	return under(credentialsCategory,
		&cli.StringFlag{Name: "api-key-path", Usage: "fastlane's JSON key `FILE`"},
		&cli.StringFlag{Name: "key-id", Usage: "key `ID`; alone it also finds AuthKey_<id>.p8 in the usual folders"},
		&cli.StringFlag{Name: "issuer-id", Usage: "issuer `UUID` of a team key; none means an individual key"},
		&cli.StringFlag{Name: "key-file", Usage: "private key `FILE` (.p8)"},
		&cli.StringFlag{Name: "key", Usage: "private key `TEXT`: PEM, PEM with literal \\n, or base64 (better in ASCEND_KEY: arguments are visible to others)"},
		&cli.StringFlag{Name: "api-url", Usage: "`URL` of another App Store Connect (plain http on loopback only)"},
	)
}

// level tells where a value came from; lower wins.
type level int

const (
	fromFlag level = iota
	fromAscend
	fromFastlane
	nowhere
)

// fastlaneVariables are the names under which fastlane takes the same values.
var fastlaneVariables = map[string]string{
	"api-key-path": "APP_STORE_CONNECT_API_KEY_PATH",
	"key-id":       "APP_STORE_CONNECT_API_KEY_KEY_ID",
	"issuer-id":    "APP_STORE_CONNECT_API_KEY_ISSUER_ID",
	"key-file":     "APP_STORE_CONNECT_API_KEY_KEY_FILEPATH",
	"key":          "APP_STORE_CONNECT_API_KEY_KEY",
}

// credential looks one value up: flag, then ASCEND_…, then fastlane's name.
func (p *program) credential(c *cli.Context, name string) (string, level) {
	if value := c.String(name); value != "" {
		return value, fromFlag
	}
	if value := p.Getenv(ownVariable(name)); value != "" {
		return value, fromAscend
	}
	if value := p.Getenv(fastlaneVariables[name]); value != "" {
		return value, fromFastlane
	}
	return "", nowhere
}

// key finds the API key. The warnings are for the user.
func (p *program) key(c *cli.Context) (asc.Key, []string, error) {
	if err := p.misplacedCredential(c); err != nil {
		return asc.Key{}, nil, err
	}
	path, pathLevel := p.credential(c, "api-key-path")
	id, idLevel := p.credential(c, "key-id")
	if isTrue(p.Getenv("APP_STORE_CONNECT_API_KEY_IN_HOUSE")) && idLevel != fromFlag && pathLevel != fromFlag {
		return asc.Key{}, nil, asc.ErrEnterpriseKey
	}
	switch {
	case pathLevel <= idLevel && pathLevel != nowhere:
		content, warnings, err := p.readSecret(path, "--api-key-path")
		if err != nil {
			return asc.Key{}, nil, err
		}
		var secret struct{ Key string }
		if json.Unmarshal(content, &secret) == nil {
			p.mask(c, secret.Key)
		}
		key, err := asc.ParseKeyFile(content, func(name string) ([]byte, error) {
			if !filepath.IsAbs(name) && !strings.HasPrefix(name, "~") {
				name = filepath.Join(filepath.Dir(path), name)
			}
			content, err := os.ReadFile(p.expand(name))
			return content, reasonOf(err)
		})
		return key, warnings, err
	case idLevel == nowhere:
		return asc.Key{}, nil, noKey(p, c)
	}
	text, warnings, err := p.keyText(c, strings.TrimSpace(id))
	if err != nil {
		return asc.Key{}, nil, err
	}
	issuer, _ := p.credential(c, "issuer-id")
	p.mask(c, text)
	key, err := asc.NewKey(id, issuer, text)
	if err != nil {
		return asc.Key{}, nil, err
	}
	if seconds, err := strconv.Atoi(p.Getenv("APP_STORE_CONNECT_API_KEY_DURATION")); err == nil && seconds > 0 {
		key.Lifetime = time.Duration(seconds) * time.Second
	}
	return key, warnings, nil
}

func noKey(p *program, c *cli.Context) error {
	hint := "give --api-key-path FILE, or --key-id, --issuer-id and --key-file (or ASCEND_KEY_ID, ASCEND_ISSUER_ID and ASCEND_KEY in the environment); keys are made in App Store Connect under Users and Access, Integrations"
	if _, level := p.credential(c, "key"); level != nowhere {
		hint = "there is a private key, but not its id: give --key-id or ASCEND_KEY_ID"
	} else if _, level := p.credential(c, "key-file"); level != nowhere {
		hint = "there is a key file, but not its id: give --key-id or ASCEND_KEY_ID (the ten characters in the name AuthKey_<id>.p8)"
	}
	return &failure.Error{Kind: failure.Auth, Message: "no App Store Connect API key", Hint: hint}
}

// keyText finds the private key of a key id.
func (p *program) keyText(c *cli.Context, id string) (string, []string, error) {
	file, fileLevel := p.credential(c, "key-file")
	text, textLevel := p.credential(c, "key")
	switch {
	case textLevel < fileLevel || textLevel == fileLevel && textLevel != nowhere:
		var warnings []string
		if textLevel == fromFlag {
			warnings = append(warnings, "--key shows the private key to every process of this machine, in its list of processes: give it in ASCEND_KEY, or name its file with --key-file")
		}
		return text, warnings, nil
	case fileLevel != nowhere:
		content, warnings, err := p.readSecret(file, "--key-file")
		return string(content), warnings, err
	}
	name := "AuthKey_" + id + ".p8"
	var folders []string
	for _, folder := range []string{p.Getenv("API_PRIVATE_KEYS_DIR"), "private_keys", "~/private_keys", "~/.private_keys", "~/.appstoreconnect/private_keys"} {
		if folder == "" {
			continue
		}
		folders = append(folders, folder)
		path := filepath.Join(p.expand(folder), name)
		if _, err := os.Stat(path); err == nil {
			content, warnings, err := p.readSecret(path, "the key file")
			return string(content), warnings, err
		}
	}
	return "", nil, &failure.Error{
		Kind: failure.Auth, Message: "the private key of API key " + id + " was not found",
		Hint: fmt.Sprintf("give --key-file or ASCEND_KEY, or put %s into one of %s", name, strings.Join(folders, ", ")),
	}
}

// readSecret reads a file that holds a key, and warns if others can read it.
func (p *program) readSecret(path, what string) ([]byte, []string, error) {
	path = p.expand(path)
	content, err := os.ReadFile(path)
	if err != nil {
		shown := path
		if asc.MayBeSecret(path) {
			shown = "(not shown: it may be a secret)"
		}
		return nil, nil, &failure.Error{Kind: failure.Auth, Message: fmt.Sprintf("%s %s cannot be read: %v", what, shown, reasonOf(err)), Hint: "is the path right, and was the secret written to the file?"}
	}
	var warnings []string
	if stat, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && stat.Mode().IsRegular() && stat.Mode().Perm()&0o077 != 0 {
		warnings = append(warnings, fmt.Sprintf("%s can be read by other users of this machine (mode %04o): chmod 600 it", path, stat.Mode().Perm()))
	}
	return content, warnings, nil
}

// reasonOf is what went wrong with a file, without its path.
func reasonOf(err error) error {
	if pathError := new(fs.PathError); errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// mask has the CI system hide a secret, if that was asked for.
func (p *program) mask(c *cli.Context, secret string) {
	if c.Bool("ci-mask") {
		p.Streams.Mask(secret)
	}
}

// expand replaces a leading ~ by the user's folder.
func (p *program) expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && p.Home != "" {
		return filepath.Join(p.Home, rest)
	}
	return path
}

func isTrue(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "true", "yes", "on":
		return true
	}
	return false
}
