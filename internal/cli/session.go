package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/term"
	"github.com/ascend-cli/ascend/internal/testers"
)

// outputFlags are those of every command that reports.
func outputFlags() []cli.Flag {
	return under(outputCategory,
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object on stdout"},
		&cli.BoolFlag{Name: "quiet", Usage: "tell only warnings and errors"},
		&cli.BoolFlag{Name: "ci-mask", Usage: "have the CI system hide the key and the demo password in its log, which takes writing them to stderr (github, azure)"},
		&cli.StringFlag{Name: "ci", Usage: "the `SYSTEM` whose lines the log has: none, github, gitlab, azure, teamcity, buildkite (default: detected)"},
	)
}

// resultFlags are those of every command that ends in a build.
func resultFlags() []cli.Flag {
	return append(under(outputCategory,
		&cli.StringFlag{Name: "dotenv", Usage: "write the results as ASCEND_… variables to a `FILE` (GitLab: artifacts:reports:dotenv)"},
	), recordFlags()...)
}

// waitFlags are those of every command that waits.
func waitFlags() []cli.Flag {
	return under(waitCategory,
		&cli.DurationFlag{Name: "timeout", Usage: "how long to wait for Apple's processing at most", Value: 90 * time.Minute},
		&cli.BoolFlag{Name: "until-appears", Usage: "wait only until there is a build; what needs a processed one is left for ascend distribute"},
		&cli.DurationFlag{Name: "poll-interval", Usage: "pause between two looks (default: adaptive, 2 s to 2 min)"},
	)
}

// buildFlags select a build that was uploaded before.
func buildFlags() []cli.Flag {
	return under(buildCategory,
		&cli.StringFlag{Name: "app", Usage: "bundle `ID` or Apple ID of the app"},
		&cli.StringFlag{Name: "version", Usage: "marketing `VERSION` (CFBundleShortVersionString)"},
		&cli.StringFlag{Name: "build-number", Usage: "build `NUMBER` (CFBundleVersion)"},
		&cli.StringFlag{Name: "platform", Usage: "the build's `PLATFORM`: ios, macos, tvos or visionos"},
		&cli.StringFlag{Name: "build", Usage: "`ID` of the build"},
		&cli.StringFlag{Name: "build-upload", Usage: "`ID` of the build upload"},
	)
}

// distributionFlags say what is to happen with a build.
func distributionFlags() []cli.Flag {
	return under(distributionCategory,
		&cli.StringSliceFlag{Name: "groups", Usage: "beta `GROUPS` by name or id, separated by commas or given repeatedly"},
		&cli.BoolFlag{Name: "create-groups", Usage: "make the groups that there are not, as external ones"},
		&cli.StringSliceFlag{Name: "testers", Usage: "single testers of the app by `EMAIL`, who get this build by themselves"},
		&cli.StringFlag{Name: "what-to-test", Usage: "note for testers: `TEXT`, @FILE, or - for stdin"},
		&cli.StringSliceFlag{Name: "what-to-test-file", Usage: "note of one locale, `LOCALE=FILE`, or a folder with LOCALE.txt files; wins over --what-to-test"},
		&cli.StringFlag{Name: "what-to-test-json", Usage: "notes as a `JSON` object of locales with their texts"},
		&cli.StringSliceFlag{Name: "locale", Usage: "`LOCALE` of the note (default: those the build has, else the app's primary locale)"},
		&cli.BoolFlag{Name: "uses-non-exempt-encryption", Usage: "answer export compliance where the build does not (=false for no)"},
		&cli.BoolFlag{Name: "submit-review", Usage: "submit for beta review (default: when an external group needs it; =false for never)"},
		&cli.BoolFlag{Name: "expire-waiting", Usage: "expire other builds of the version that wait for beta review: it takes one at a time"},
		&cli.BoolFlag{Name: "expire-previous", Usage: "expire older builds of the same platform afterwards"},
		&cli.IntFlag{Name: "keep", Usage: "with --expire-previous: leave the newest `N` older builds alone"},
		&cli.BoolFlag{Name: "notify", Usage: "tell testers now (=false: switch automatic notification off)"},
	)
}

// session is what a command that talks to the service works with.
type session struct {
	client *asc.Client
	close  func()
}

// reporter is what tells the user about everything besides the releases.
type reporter interface {
	Warn(text string)
	Notice(text string)
	Retry(asc.Retry)
	Start()
	Close()
}

func (p *program) narrator(c *cli.Context) *term.Narrator {
	return term.NewNarrator(p.Streams, c.Bool("quiet"), p.Now)
}

// apiConnections bounds the connections to the API: many packages may wait at
// the same time.
const apiConnections = 32

// open makes the client of a command from its flags.
func (p *program) open(c *cli.Context, override *asc.Options, report reporter) (*session, error) {
	options := asc.Options{UserAgent: "ascend/" + p.Version, OnRetry: report.Retry, Now: p.Now}
	options.OnClockSkew = func(skew time.Duration) { report.Notice(clockNotice(skew)) }
	if c.IsSet("retry-for") { // its default is for parts
		options.RetryFor = retryFor(c)
	}
	if override != nil {
		options.Key, options.URL = override.Key, override.URL
	} else {
		key, warnings, err := p.key(c)
		if err != nil {
			return nil, err
		}
		for _, warning := range warnings {
			report.Warn(warning)
		}
		options.Key, options.URL = key, c.String("api-url")
	}
	if _, err := asc.ParseURL(orDefault(options.URL)); err != nil {
		return nil, usagef("", "%v", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxConnsPerHost = apiConnections
	options.Transport = transport
	p.recording.through(&options, p.Now)
	client, err := asc.NewClient(options)
	if err != nil {
		return nil, err
	}
	report.Start()
	return &session{client: client, close: func() {
		report.Close()
		transport.CloseIdleConnections()
	}}, nil
}

// clockNotice says that tokens are signed with the service's time.
func clockNotice(skew time.Duration) string {
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("this machine's clock is %s %s App Store Connect's: tokens are signed with its time; set the clock right", skew.Abs().Round(time.Second), direction)
}

// withRunner runs a command that needs the service and nothing else.
func (p *program) withRunner(c *cli.Context, do func(*release.Runner) error) error {
	narrator := p.narrator(c)
	session, err := p.open(c, nil, narrator)
	if err != nil {
		return err
	}
	defer session.close()
	return do(&release.Runner{Client: session.client, Observer: narrator, State: p.store(c), Now: p.Now})
}

func orDefault(url string) string {
	if url == "" {
		return asc.DefaultURL
	}
	return url
}

// plan reads the flags that several commands share.
func (p *program) plan(c *cli.Context) (release.Plan, error) {
	plan := release.Plan{
		App: c.String("app"), Version: c.String("version"), BuildNumber: c.String("build-number"),
		BuildID: c.String("build"), BuildUploadID: c.String("build-upload"),
		Timeout: c.Duration("timeout"), PollInterval: c.Duration("poll-interval"),
		UntilAppears: c.Bool("until-appears"),
	}
	var err error
	if plan.Platform, err = platformFlag(c); err != nil {
		return plan, err
	}
	if plan.Timeout <= 0 && c.IsSet("timeout") {
		return plan, usagef("a duration such as 45m", "--timeout must be more than zero")
	}
	if plan.PollInterval < 0 {
		return plan, usagef("a duration such as 30s", "--poll-interval must not be negative")
	}
	return plan, nil
}

// platformFlag reads --platform; empty means that it was not given.
func platformFlag(c *cli.Context) (bundle.Platform, error) {
	text := c.String("platform")
	platform, ok := bundle.ParsePlatform(text)
	if text != "" && !ok {
		return "", usagef("", "--platform %q is not one of ios, macos, tvos, visionos", text)
	}
	return platform, nil
}

// distribution reads the flags of a distribution.
func (p *program) distribution(c *cli.Context) (release.Distribution, error) {
	d := release.Distribution{
		Groups: trimmed(c.StringSlice("groups")), CreateGroups: c.Bool("create-groups"), Testers: trimmed(c.StringSlice("testers")), Locales: trimmed(c.StringSlice("locale")),
		ExpireWaiting: c.Bool("expire-waiting"), ExpirePrevious: c.Bool("expire-previous"), Keep: c.Int("keep"),
	}
	switch {
	case d.CreateGroups && len(d.Groups) == 0:
		return d, usagef("name them with --groups", "--create-groups without --groups has nothing to make")
	case c.IsSet("keep") && (!d.ExpirePrevious || d.Keep < 0):
		return d, usagef("", "--keep goes with --expire-previous, and is not negative")
	}
	for _, email := range d.Testers {
		if problem := testers.AddressProblem(email); problem != "" {
			return d, usagef("", "--testers: %s", problem)
		}
	}
	var err error
	if d.Notes, err = p.noteFiles(c.Context, c.String("what-to-test-json"), trimmed(c.StringSlice("what-to-test-file"))); err != nil {
		return d, err
	}
	for name, into := range map[string]**bool{
		"uses-non-exempt-encryption": &d.UsesNonExemptEncryption, "submit-review": &d.SubmitReview, "notify": &d.Notify,
	} {
		if c.IsSet(name) {
			value := c.Bool(name)
			*into = &value
		}
	}
	if c.IsSet("groups") && len(d.Groups) == 0 {
		return d, usagef("name at least one group, or leave --groups out", "--groups is empty")
	}
	text, err := p.text(c.Context, c.String("what-to-test"), "--what-to-test")
	if err != nil {
		return d, err
	}
	if strings.TrimSpace(text) != "" {
		d.WhatToTest = &text
	} else if len(d.Locales) > 0 {
		return d, usagef("give the note with --what-to-test", "--locale without --what-to-test has nothing to write")
	}
	if d.AppInfo, err = appInfo(c); err != nil {
		return d, err
	}
	if d.ReviewInfo, err = reviewInfo(c); err != nil {
		return d, err
	}
	if d.ReviewInfo != nil && d.ReviewInfo.DemoAccountPassword != nil {
		p.mask(c, *d.ReviewInfo.DemoAccountPassword)
	}
	d.OverwriteAppClips = c.Bool("overwrite-app-clips")
	d.AppClips, err = appClips(c)
	return d, err
}

// noteFiles reads notes by locale.
func (p *program) noteFiles(ctx context.Context, document string, sources []string) (map[string]string, error) {
	notes := map[string]string{}
	add := func(locale, path string) error {
		text, err := p.text(ctx, "@"+path, "--what-to-test-file")
		if err == nil && strings.TrimSpace(text) != "" {
			notes[locale] = text
		}
		return err
	}
	if document != "" {
		if err := json.Unmarshal([]byte(document), &notes); err != nil {
			return nil, usagef(`such as {"de-DE": "Hallo"}`, "--what-to-test-json is not an object of locales with their texts")
		}
	}
	for _, source := range trimmed(sources) {
		locale, path, ok := strings.Cut(source, "=")
		if ok {
			if err := add(strings.TrimSpace(locale), path); err != nil {
				return nil, err
			}
			continue
		}
		folder := p.expand(source)
		files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
		if err != nil || len(files) == 0 {
			return nil, usagef("LOCALE=FILE, or a folder with files such as en-US.txt", "--what-to-test-file %q is neither LOCALE=FILE nor a folder with .txt files", source)
		}
		for _, file := range files {
			if err := add(strings.TrimSuffix(filepath.Base(file), ".txt"), file); err != nil {
				return nil, err
			}
		}
	}
	return notes, nil
}

const maxText = 1 << 20

// noArguments refuses arguments where a command takes none.
func noArguments(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("ascend "+c.Command.HelpName+" --help shows how it is used", "ascend %s takes no arguments, but got %q", c.Command.Name, c.Args().First())
	}
	return nil
}
