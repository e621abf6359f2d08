package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
)

// Check asks the service what stands in the way of an inspected package: the
// rules that need it. Nothing is changed. An error is one of asking; what is in
// the way is a finding.
func (r *Runner) Check(ctx context.Context, info bundle.Info, plan Plan) ([]bundle.Finding, error) {
	run := r.start(plan)
	c := &onlineCheck{run: run, info: info}
	app, err := run.appOf(ctx, pkg{Info: info})
	if c.found("app-missing", info.BundleID, err, failure.NotFound, failure.Conflict) {
		return c.findings, nil
	}
	if err != nil {
		return nil, err
	}
	for _, look := range []func(context.Context, asc.App) error{c.numbers, c.versions, c.audience, c.role} {
		if err := look(ctx, app); err != nil {
			return c.findings, err
		}
	}
	return c.findings, nil
}

// An onlineCheck collects findings.
type onlineCheck struct {
	*run
	info     bundle.Info
	findings []bundle.Finding
}

func (c *onlineCheck) add(id, value, message, remedy string) {
	rule, _ := bundle.RuleByID(id)
	if remedy == "" {
		remedy = rule.Remedy
	}
	c.findings = append(c.findings, bundle.Finding{Rule: rule.ID, Codes: rule.Codes, Severity: rule.Severity, Path: c.info.App, Value: value, Message: message, Remedy: remedy})
}

// found makes a finding of an error of some kinds.
func (c *onlineCheck) found(id, value string, err error, kinds ...failure.Kind) bool {
	var own *failure.Error
	if err == nil || !errors.As(err, &own) || !slices.Contains(kinds, own.Kind) {
		return false
	}
	c.add(id, value, own.Message, own.Hint)
	return true
}

// numbers looks whether the build number is free, and the highest.
func (c *onlineCheck) numbers(ctx context.Context, app asc.App) error {
	_, err := c.checkFree(ctx, app, pkg{Info: c.info})
	if c.found("build-number-used", c.info.BuildVersion, err, failure.Conflict) || err != nil {
		return orNil(err, failure.Conflict)
	}
	highest, _, err := c.highestNumber(ctx, app, BuildSelection{Version: c.info.ShortVersion, Platform: asc.Platform(c.info.Platform)})
	if err != nil {
		return err
	}
	if highest != "" && bundle.CompareVersions(c.info.BuildVersion, highest) < 0 {
		c.add("build-number-lower", c.info.BuildVersion, fmt.Sprintf("the build number %s is lower than %s, the highest of version %s", c.info.BuildVersion, highest, c.info.ShortVersion), "")
	}
	return nil
}

// orNil drops an error that has become a finding.
func orNil(err error, kind failure.Kind) error {
	if failure.KindOf(err) == kind {
		return nil
	}
	return err
}

// versions looks whether customers have the version already.
func (c *onlineCheck) versions(ctx context.Context, app asc.App) error {
	states := []string{asc.VersionReadyForDistribution, asc.VersionProcessingForDistribution}
	for v, err := range c.Client.AppStoreVersions(ctx, app.ID, asc.Platform(c.info.Platform), states) {
		if err != nil {
			return fmt.Errorf("list the App Store versions of %s: %w", app.BundleID, err)
		}
		if bundle.CompareVersions(c.info.ShortVersion, v.VersionString) <= 0 {
			c.add("version-closed", c.info.ShortVersion, fmt.Sprintf("version %s is not higher than %s, which is in the App Store", c.info.ShortVersion, v.VersionString), "")
			return nil
		}
	}
	return nil
}

// audience looks at the groups, and at what beta review needs for an external
// one.
func (c *onlineCheck) audience(ctx context.Context, app asc.App) error {
	found, err := c.run.audience(ctx, app)
	if c.found("group-missing", strings.Join(c.plan.Distribution.Groups, ","), err, failure.NotFound, failure.Conflict, failure.Usage) {
		return nil
	}
	if err != nil || !slices.ContainsFunc(found.groups, func(g asc.BetaGroup) bool { return !g.Internal }) {
		return err
	}
	detail, err := c.Client.BetaAppReviewDetail(ctx, app.ID)
	if err != nil {
		return fmt.Errorf("read what beta review knows about %s: %w", app.BundleID, err)
	}
	var missing []string
	for name, value := range map[string]*string{
		"contact first name": detail.ContactFirstName, "contact last name": detail.ContactLastName, "contact e-mail": detail.ContactEmail, "contact phone": detail.ContactPhone,
	} {
		if value == nil || *value == "" {
			missing = append(missing, name)
		}
	}
	localizations, err := asc.Collect(c.Client.BetaAppLocalizations(ctx, app.ID))
	if err != nil {
		return fmt.Errorf("read the beta information of %s: %w", app.BundleID, err)
	}
	if !slices.ContainsFunc(localizations, func(l asc.BetaAppLocalization) bool { return l.FeedbackEmail != nil && *l.FeedbackEmail != "" }) {
		missing = append(missing, "feedback e-mail")
	}
	if slices.Sort(missing); len(missing) > 0 {
		c.add("review-not-ready", strings.Join(missing, ", "), "beta review will ask for what is not filled in: "+strings.Join(missing, ", "), "")
	}
	return nil
}

// role looks whether the key can do more than upload, where more is asked for.
func (c *onlineCheck) role(ctx context.Context, _ asc.App) error {
	if !c.plan.Distribution.Wanted() {
		return nil
	}
	may, err := c.Client.MayDistribute(ctx)
	if err != nil {
		return err
	}
	if !may {
		c.add("role-too-low", "", "the key's role cannot give builds to testers", "")
	}
	return nil
}
