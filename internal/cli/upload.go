package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/internal/state"
	"github.com/ascend-cli/ascend/internal/term"
	"github.com/ascend-cli/ascend/upload"
)

func (p *program) uploadCommand() *cli.Command {
	return &cli.Command{
		Name:      "upload",
		Usage:     "upload packages, wait for their processing, give them to testers",
		ArgsUsage: "PACKAGE…",
		UsageText: "ascend upload --sandbox Demo.ipa\nascend upload --groups QA --what-to-test @notes.txt Demo.ipa\nascend upload --no-wait --json Demo.ipa",
		Description: "Goes the whole way: reads the package, finds the app, sends the parts in parallel, waits until Apple has\n" +
			"processed the build, and distributes it. Without distribution flags it ends when the build is ready.\n" +
			"Run it again after a failure: it sends only what is missing. Several packages go at the same time.",
		Flags: flags(
			under(packageCategory,
				&cli.StringFlag{Name: "app", Usage: "bundle `ID` or Apple ID the package must belong to (default: found by the package's bundle id)"},
				&cli.StringFlag{Name: "platform", Usage: "`PLATFORM`, where the package does not tell: ios, macos, tvos or visionos"},
				&cli.BoolFlag{Name: "skip-preflight", Usage: "upload in spite of preflight errors"},
				ignoreFlag(),
				&cli.StringFlag{Name: "asset-description", Usage: "`FILE` that Apple checks before the package is sent, or none (default: AppStoreInfo.plist beside the package)"},
				&cli.BoolFlag{Name: "sandbox", Usage: "rehearse against an embedded App Store Connect; no key needed"},
			),
			distributionFlags(), appInfoFlags(),
			under(waitCategory, &cli.BoolFlag{Name: "no-wait", Usage: "stop after the upload, before Apple's processing"}), waitFlags(),
			under(transferCategory,
				&cli.StringFlag{Name: "on-incomplete", Usage: "`ACTION` for an upload that an earlier run left: resume, replace or fail", Value: string(release.Resume)},
				&cli.StringFlag{Name: "on-existing", Usage: "`ACTION` where the number is taken by a build that may be this package: fail, or resume (unverified)", Value: string(release.StopOnExisting)},
				&cli.DurationFlag{Name: "transfer-timeout", Usage: "how long the upload may take, from the reservation to the commit (default: no limit)"},
			), transferFlags(), resultFlags(), outputFlags(), stateFlags(), configFlag(), credentialFlags(),
		),
		Action: p.upload,
	}
}

// transferFlags tune the transfer. None of them is needed.
func transferFlags() []cli.Flag {
	return under(transferCategory,
		&cli.IntFlag{Name: "concurrency", Usage: "parts in flight, fixed (default: adaptive, from 10 on)"},
		&cli.IntFlag{Name: "max-concurrency", Usage: "parts in flight at most, where it adapts", Value: 48},
		&cli.StringFlag{Name: "limit-rate", Usage: "bound the upload to `RATE` in total, such as 10MB/s"},
		&cli.DurationFlag{Name: "retry-for", Usage: "how long something that fails is tried again", Value: 15 * time.Minute},
	)
}

// retryFor is how long what fails is tried again. None at all is a moment,
// because nothing would mean the default below.
func retryFor(c *cli.Context) time.Duration { return max(1, c.Duration("retry-for")) }

func stateFlags() []cli.Flag {
	return under(settingsCategory,
		&cli.StringFlag{Name: "state-dir", Usage: "`FOLDER` for what is remembered of uploads under way and of how long builds took (default: ascend in the user's state folder)"},
	)
}

// store is where uploads under way are remembered, or nil.
func (p *program) store(c *cli.Context) *state.Store {
	if dir := p.stateDir(c); dir != "" {
		return state.Open(filepath.Join(dir, "uploads"), p.Now)
	}
	return nil
}

// history is where it is remembered how long builds took, or nil.
func (p *program) history(c *cli.Context) *state.History {
	if dir := p.stateDir(c); dir != "" {
		return state.OpenHistory(filepath.Join(dir, "processing"), p.Now)
	}
	return nil
}

func (p *program) stateDir(c *cli.Context) string {
	if dir := c.String("state-dir"); dir != "" {
		return p.expand(dir)
	}
	if p.StateHome == "" {
		return ""
	}
	return filepath.Join(p.StateHome, "ascend")
}

func (p *program) upload(c *cli.Context) error {
	if err := p.configure(c); err != nil {
		return err
	}
	if err := p.record(c); err != nil {
		return err
	}
	plans, err := p.uploadPlans(c)
	if err != nil {
		return err
	}
	limit, err := parseRate(c.String("limit-rate"))
	if err != nil {
		return usagef("", "--limit-rate: %v", err)
	}
	for _, name := range []string{"concurrency", "max-concurrency"} {
		if n := c.Int(name); n < 0 || n > 128 || n == 0 && c.IsSet(name) {
			return usagef("", "--%s must be between 1 and 128", name)
		}
	}
	runner := &release.Runner{
		Pool: upload.NewPool(c.Int("concurrency"), c.Int("max-concurrency")), Limit: limit, RetryFor: retryFor(c), State: p.store(c), History: p.history(c), Now: p.Now,
	}
	var override *asc.Options
	if c.Bool("sandbox") {
		server, err := p.rehearsal(plans)
		if err != nil {
			return err
		}
		defer server.Close()
		key := server.Keys()[0]
		override = &asc.Options{Key: asc.Key{ID: key.ID, IssuerID: key.IssuerID, Private: key.Private}, URL: server.URL()}
		runner.State, runner.History = nil, nil // it ends with this run
	}
	if len(plans) > 1 {
		return p.uploadSeveral(c, runner, plans, override)
	}
	narrator := p.narrator(c)
	session, err := p.openUpload(c, runner, override, narrator)
	if err != nil {
		return err
	}
	defer session.close()
	runner.Observer = p.recording.observe(narrator)
	summary, err := runner.Upload(c.Context, plans[0])
	session.close()
	return p.result(c, summary, err)
}

func (p *program) openUpload(c *cli.Context, runner *release.Runner, override *asc.Options, report reporter) (*session, error) {
	session, err := p.open(c, override, report)
	if err != nil {
		return nil, err
	}
	runner.Client = session.client
	if override != nil {
		report.Notice("rehearsal against the embedded App Store Connect at " + override.URL + ": nothing reaches Apple")
	}
	return session, nil
}

// uploadPlans reads the flags into one plan for each package.
func (p *program) uploadPlans(c *cli.Context) ([]release.Plan, error) {
	if c.NArg() == 0 {
		return nil, usagef("ascend upload App.ipa", "which package?")
	}
	plan, err := p.plan(c)
	if err != nil {
		return nil, err
	}
	plan.NoWait, plan.SkipPreflight, plan.OnIncomplete = c.Bool("no-wait"), c.Bool("skip-preflight"), release.OnIncomplete(c.String("on-incomplete"))
	plan.AssetDescription = c.String("asset-description")
	plan.OnExisting, plan.TransferTimeout = release.OnExisting(c.String("on-existing")), c.Duration("transfer-timeout")
	if plan.IgnoreRules, err = ignored(c); err != nil {
		return nil, err
	}
	switch plan.OnIncomplete {
	case release.Resume, release.Replace, release.Fail:
	default:
		return nil, usagef("", "--on-incomplete %q is not one of resume, replace, fail", plan.OnIncomplete)
	}
	switch plan.OnExisting {
	case release.StopOnExisting, release.ResumeExisting:
	default:
		return nil, usagef("", "--on-existing %q is not one of fail, resume", plan.OnExisting)
	}
	if plan.TransferTimeout < 0 || plan.TransferTimeout == 0 && c.IsSet("transfer-timeout") {
		return nil, usagef("a duration such as 30m", "--transfer-timeout must be more than zero")
	}
	if plan.Distribution, err = p.distribution(c); err != nil {
		return nil, err
	}
	if plan.NoWait && plan.Distribution.Wanted() {
		return nil, usagef("leave --no-wait out, or run ascend distribute later", "--no-wait stops before a build can be distributed, so the distribution flags would do nothing")
	}
	var plans []release.Plan
	type build struct{ id, version, number, platform string }
	seen := map[build]string{}
	for _, path := range c.Args().Slice() {
		plan.Path = path
		plans = append(plans, plan)
		if c.NArg() == 1 {
			break // nothing to compare it with
		}
		info, err := bundle.InspectFile(path)
		if err != nil {
			continue // the upload itself says what is wrong
		}
		key := build{info.BundleID, info.ShortVersion, info.BuildVersion, string(info.Platform)}
		if other, twice := seen[key]; twice {
			return nil, usagef("leave one of them out", "%s and %s are the same build: %s %s (%s) for %s", other, path, key.id, key.version, key.number, key.platform)
		}
		seen[key] = path
	}
	return plans, nil
}

// uploadSeveral sends several packages at the same time.
func (p *program) uploadSeveral(c *cli.Context, runner *release.Runner, plans []release.Plan, override *asc.Options) error {
	var paths []string
	for _, plan := range plans {
		paths = append(paths, plan.Path)
	}
	board := term.NewBoard(p.Streams, c.Bool("quiet"), p.Now, paths)
	session, err := p.openUpload(c, runner, override, board)
	if err != nil {
		return err
	}
	outcomes := runner.UploadAll(c.Context, plans, func(i int) release.Observer { return p.recording.observeAs(board.Lane(i), plans[i].Path) })
	session.close()
	type result struct {
		Path  string         `json:"path"`
		Error *failure.Error `json:"error,omitempty"`
		release.Summary
	}
	document := struct {
		Error   *failure.Error `json:"error,omitempty"`
		Results []result       `json:"results"`
	}{}
	var first *batchFailure
	var failed, notSent []string
	var published []term.Outcome
	for _, outcome := range outcomes {
		r := result{Path: outcome.Path, Summary: outcome.Summary}
		if outcome.Err != nil {
			problem := p.problem(&reachedError{error: outcome.Err, summary: &outcome.Summary})
			if !strings.HasPrefix(problem.Message, outcome.Path+": ") {
				problem.Message = outcome.Path + ": " + problem.Message
			}
			r.Error = &problem
			if errors.Is(outcome.Err, release.ErrNotSent) {
				notSent = append(notSent, outcome.Path)
				published = append(published, term.Outcome{Summary: outcome.Summary, Problem: r.Error})
				document.Results = append(document.Results, r)
				continue
			}
			failed = append(failed, outcome.Path)
			if first == nil {
				first = &batchFailure{error: outcome.Err, problem: &problem}
				document.Error = &problem
			} else {
				p.Streams.Fail(problem)
			}
		} else if !c.Bool("json") {
			p.Streams.Summary(outcome.Summary)
		}
		published = append(published, term.Outcome{Summary: outcome.Summary, Problem: r.Error})
		document.Results = append(document.Results, r)
	}
	if first != nil {
		problem := *first.problem
		problem.Details = append(slices.Clip(problem.Details), fmt.Sprintf("%d of %d packages failed: %s", len(failed), len(outcomes), strings.Join(failed, ", ")))
		if len(notSent) > 0 {
			problem.Details = append(problem.Details, fmt.Sprintf("nothing was sent, also not %s", strings.Join(notSent, ", ")))
		}
		first.problem, document.Error = &problem, &problem
	}
	notWritten := p.publish(c, published...)
	if first == nil && notWritten != nil {
		problem := p.problem(notWritten)
		first = &batchFailure{error: notWritten, problem: &problem}
		document.Error = &problem
	}
	if c.Bool("json") {
		if err := p.Streams.JSON(document); err != nil {
			return err
		}
	}
	if first != nil {
		return first
	}
	return nil
}

// A batchFailure is the first of what may be several. Its JSON is written
// along with the results.
type batchFailure struct {
	error
	// problem is the error in words, where they are not its own.
	problem *failure.Error
}

func (f *batchFailure) Unwrap() error { return f.error }

// rehearsalTime is how long each half of the processing takes in a rehearsal:
// long enough to be seen, short enough not to be waited for.
const rehearsalTime = 1500 * time.Millisecond

// rehearsal starts an App Store Connect with apps that fit the packages and
// with the groups that are asked for. A package that cannot be read gets none:
// the upload itself says what is wrong.
func (p *program) rehearsal(plans []release.Plan) (*sandbox.Server, error) {
	options := sandbox.Options{UploadProcessing: rehearsalTime, BuildProcessing: rehearsalTime, Now: p.Now}
	seen := map[string]bool{}
	for _, plan := range plans {
		info, err := bundle.InspectFile(plan.Path)
		if err != nil || seen[info.BundleID] {
			continue
		}
		seen[info.BundleID] = true
		app := sandbox.App{BundleID: info.BundleID, Name: info.Name}
		for _, name := range plan.Distribution.Groups {
			app.Groups = append(app.Groups, sandbox.Group{Name: name})
		}
		options.Apps = append(options.Apps, app)
	}
	server, err := sandbox.Start(options)
	if err != nil {
		return nil, fmt.Errorf("the rehearsal cannot start: %w", err)
	}
	return server, nil
}
