package bundle

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Severity says whether a finding stops an upload.
type Severity string

// The severities, most severe first.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// A Rule is something that Apple checks.
type Rule struct {
	// ID is stable.
	ID string `json:"id"`
	// Codes are the numbers of Apple's messages about it (ITMS-90161), empty
	// where none is known. They come from mails and from states of build
	// uploads that people have published.
	Codes    []string `json:"codes"`
	Severity Severity `json:"severity"`
	// Title is what the rule says, Remedy what to do when it is broken.
	Title  string `json:"title"`
	Remedy string `json:"remedy"`
	// Online rules need the service, and are checked when an app is looked up.
	Online bool `json:"online"`

	// lax rules are checked also where a package has no program in it.
	lax   bool
	check func(*checker)
}

// A Finding is something that Apple would say about a package.
type Finding struct {
	// Rule is the stable id of the rule, Codes Apple's numbers for it.
	Rule     string   `json:"rule"`
	Codes    []string `json:"codes"`
	Severity Severity `json:"severity"`
	// Path is the place in the package, Value what is there.
	Path  string `json:"path"`
	Value string `json:"value"`
	// Message says what is wrong, with the value at fault.
	Message string `json:"message"`
	// Remedy says how to mend it.
	Remedy string `json:"remedy"`
}

// Rules are all rules, in the order in which they are checked.
func Rules() []Rule {
	rules := slices.Concat(identityRules(), layoutRules(), programRules(), signingRules(), contentRules(), macRules(), onlineRules())
	for i := range rules {
		if rules[i].Codes == nil {
			rules[i].Codes = []string{}
		}
	}
	return rules
}

// RuleByID finds a rule.
func RuleByID(id string) (Rule, bool) {
	return findRule(func(r Rule) bool { return r.ID == id })
}

// RuleByCode finds the rule behind a code of Apple's, such as 90161.
func RuleByCode(code string) (Rule, bool) {
	code = strings.TrimPrefix(code, "ITMS-")
	return findRule(func(r Rule) bool { return slices.Contains(r.Codes, code) })
}

func findRule(is func(Rule) bool) (Rule, bool) {
	rules := Rules()
	if i := slices.IndexFunc(rules, is); i >= 0 {
		return rules[i], true
	}
	return Rule{}, false
}

// maxFindings bounds what one rule reports.
const maxFindings = 20

// A checker carries out one rule.
type checker struct {
	info     Info
	now      time.Time
	rule     Rule
	findings []Finding
	reported int
	// byPath has the numbers of the bundles in info.
	byPath map[string]int
}

// report makes a finding at a place. The message is a sentence without a full
// stop.
func (c *checker) report(path, value, format string, args ...any) {
	if c.reported++; c.reported > maxFindings {
		return
	}
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = shorten(s, maxValue)
		}
	}
	c.findings = append(c.findings, Finding{
		Rule: c.rule.ID, Codes: c.rule.Codes, Severity: c.rule.Severity, Path: shorten(path, maxPath), Value: shorten(value, maxValue),
		Message: shorten(fmt.Sprintf(format, args...), maxMessage), Remedy: c.rule.Remedy,
	})
}

// mobile tells whether the package is for another system than macOS.
func (c *checker) mobile() bool { return c.info.Platform != MacOS && c.info.Platform != "" }

// programs returns the bundles whose programs could be read.
func (c *checker) programs(kinds ...BundleKind) []Bundle {
	return slices.DeleteFunc(c.bundles(kinds...), func(b Bundle) bool { return b.Executable == nil || b.Executable.Problem != "" })
}

// bundles returns the bundles of some kinds, of all if none is named.
func (c *checker) bundles(kinds ...BundleKind) []Bundle {
	return slices.DeleteFunc(slices.Clone(c.info.Bundles), func(b Bundle) bool { return len(kinds) > 0 && !slices.Contains(kinds, b.Kind) })
}

// own are the kinds of bundle that are signed with entitlements of their own.
func own() []BundleKind {
	return []BundleKind{KindApp, KindExtension, KindWatchApp, KindAppClip, KindHelper, KindService, KindSystem}
}

// bare tells whether a package has nothing of what a build makes: no program,
// no signature, no profile. Real exports always have them; what is without is
// made by hand, for a test. The rules about them say nothing then, except that
// there is nothing.
func bare(info Info) bool {
	for _, b := range info.Bundles {
		if b.profilePath != "" || b.HashedFiles || b.Executable != nil && !b.Executable.foreign {
			return false
		}
	}
	return true
}

// Preflight checks what Apple would refuse, before anything is sent. now is
// for what expires.
func Preflight(info Info, now time.Time) []Finding {
	findings := []Finding{}
	without := bare(info)
	byPath := map[string]int{}
	for i, b := range info.Bundles {
		if _, twice := byPath[b.Path]; !twice && b.Path != "" {
			byPath[b.Path] = i
		}
	}
	for _, rule := range Rules() {
		if rule.check == nil || without && !rule.lax {
			continue
		}
		c := &checker{info: info, now: now, rule: rule, byPath: byPath}
		rule.check(c)
		if c.reported > maxFindings {
			last := &c.findings[len(c.findings)-1]
			last.Message += fmt.Sprintf(" (and %d more)", c.reported-maxFindings)
		}
		findings = append(findings, c.findings...)
	}
	return findings
}

// Fatal returns the findings that stop an upload.
func Fatal(findings []Finding) []Finding {
	var fatal []Finding
	for _, f := range findings {
		if f.Severity == SeverityError {
			fatal = append(fatal, f)
		}
	}
	return fatal
}
