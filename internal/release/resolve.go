package release

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
)

// A target is where a package goes.
type target struct {
	app asc.App
	audience
	existing
}

// An audience is who gets a build.
type audience struct {
	groups []asc.BetaGroup
	// create are names of groups that there are not yet, testers people who
	// get the build by themselves.
	create  []string
	testers []asc.BetaTester
}

// resolve finds everything that the rest of the way needs, so that whatever
// would stop it does so before a byte moves.
func (r *run) resolve(ctx context.Context, p pkg) (target, error) {
	app, err := r.appOf(ctx, p)
	if err != nil {
		return target{}, err
	}
	r.summary.AppID = app.ID
	t := target{app: app}
	if t.existing, err = r.checkFree(ctx, app, p); err != nil {
		return target{}, err
	}
	if t.audience, err = r.audience(ctx, app); err != nil {
		return target{}, err
	}
	if t.sent == nil && t.built == nil {
		err = r.checkDistribution(ctx, app, p, t.audience)
	}
	return t, err
}

// appOf finds the app record of the package.
func (r *run) appOf(ctx context.Context, p pkg) (asc.App, error) {
	if r.plan.App == "" || r.plan.App == p.BundleID {
		return r.appByBundleID(ctx, p.BundleID)
	}
	app, err := r.app(ctx, r.plan.App)
	if err != nil {
		return asc.App{}, err
	}
	if app.BundleID != p.BundleID {
		return asc.App{}, &failure.Error{
			Kind:    failure.Conflict,
			Message: fmt.Sprintf("the package is %s, but the app asked for (%s) is %s", p.BundleID, r.plan.App, app.BundleID),
			Hint:    "give the package's own app, or leave --app out: it is found by the package's bundle id",
		}
	}
	return app, nil
}

// app finds an app by its Apple ID or its bundle id.
func (r *run) app(ctx context.Context, name string) (asc.App, error) {
	if strings.Trim(name, "0123456789") != "" {
		return r.appByBundleID(ctx, name)
	}
	app, err := r.Client.App(ctx, name)
	if asc.IsNotFound(err) {
		return asc.App{}, r.noSuchApp(ctx, "no app with the Apple ID "+name+" is visible to this key", name)
	}
	return app, err
}

func (r *run) appByBundleID(ctx context.Context, bundleID string) (asc.App, error) {
	app, ok, err := r.Client.AppByBundleID(ctx, bundleID)
	if err != nil {
		return asc.App{}, fmt.Errorf("find the app %s: %w", bundleID, err)
	}
	if !ok {
		return asc.App{}, r.noSuchApp(ctx, "no app with the bundle id "+bundleID+" is visible to this key", bundleID)
	}
	return app, nil
}

// noSuchApp says which apps there are, closest first.
func (r *run) noSuchApp(ctx context.Context, message, wanted string) error {
	apps, err := asc.Collect(r.Client.Apps(ctx, ""))
	if err != nil {
		return fmt.Errorf("%s, and its apps cannot be listed: %w", message, err)
	}
	var names []string
	for _, app := range apps {
		names = append(names, app.BundleID)
	}
	slices.SortStableFunc(names, func(a, b string) int { return Distance(a, wanted) - Distance(b, wanted) })
	failure := &failure.Error{Kind: failure.NotFound, Message: message}
	if len(names) == 0 {
		failure.Hint = "the key sees no app at all: create the app record in App Store Connect first, or give the key access to it"
		return failure
	}
	const most = 10
	failure.Hint = "create the app record in App Store Connect, use a key that can see it, or correct the bundle id; this key sees, closest first: " + strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		failure.Hint += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return failure
}

// audience finds the groups and the testers that were asked for.
func (r *run) audience(ctx context.Context, app asc.App) (audience, error) {
	var a audience
	wanted := r.plan.Distribution
	if len(wanted.Groups) > 0 {
		all, err := asc.Collect(r.Client.BetaGroups(ctx, app.ID))
		if err != nil {
			return a, fmt.Errorf("list the beta groups of %s: %w", app.BundleID, err)
		}
		for _, name := range wanted.Groups {
			group, err := chooseGroup(all, name, app)
			switch {
			case err != nil && wanted.CreateGroups && failure.KindOf(err) == failure.NotFound:
				if !slices.Contains(a.create, name) {
					a.create = append(a.create, name)
				}
			case err != nil:
				return a, err
			case !slices.ContainsFunc(a.groups, func(g asc.BetaGroup) bool { return g.ID == group.ID }):
				a.groups = append(a.groups, group)
			}
		}
		if len(a.create) == 0 {
			if err := r.checkReviewFlags(a.groups); err != nil {
				return a, err
			}
		}
	}
	var unknown []string
	for _, email := range wanted.Testers {
		tester, found, err := r.tester(ctx, app, email)
		if err != nil {
			return a, err
		}
		if !found {
			unknown = append(unknown, email)
			continue
		}
		a.testers = append(a.testers, tester)
	}
	if len(unknown) > 0 {
		return a, &failure.Error{
			Kind: failure.NotFound, Message: fmt.Sprintf("no tester of %s: %s", app.BundleID, strings.Join(unknown, ", ")),
			Hint: "add them to a group first: ascend testers add --app " + app.BundleID + " --groups GROUP " + strings.Join(unknown, " "),
		}
	}
	return a, nil
}

// tester finds a tester of an app by address.
func (r *run) tester(ctx context.Context, app asc.App, email string) (asc.BetaTester, bool, error) {
	for tester, err := range r.Client.BetaTesters(ctx, asc.BetaTesterFilter{AppID: app.ID, Email: email}) {
		if err != nil {
			return tester, false, fmt.Errorf("find the tester %s: %w", email, err)
		}
		if strings.EqualFold(tester.Email, email) {
			return tester, true, nil
		}
	}
	return asc.BetaTester{}, false, nil
}

func chooseGroup(all []asc.BetaGroup, name string, app asc.App) (asc.BetaGroup, error) {
	var matches []asc.BetaGroup
	seen := map[string]bool{}
	for _, group := range all {
		if seen[group.ID] {
			continue // pages may overlap: a group listed twice is one group
		}
		seen[group.ID] = true
		if group.ID == name {
			return group, nil
		}
		if group.Name == name {
			matches = append(matches, group)
		}
	}
	if len(matches) == 1 {
		return matches[0], nil
	}
	names := make([]string, len(all))
	for i, group := range all {
		names[i] = group.Name
	}
	slices.SortStableFunc(names, func(a, b string) int { return Distance(a, name) - Distance(b, name) })
	if len(matches) == 0 {
		return asc.BetaGroup{}, &failure.Error{
			Kind:    failure.NotFound,
			Message: fmt.Sprintf("%s has no beta group named %q", app.BundleID, name),
			Hint:    "the groups there are: " + listOr(names, "none; create one in App Store Connect under TestFlight"),
		}
	}
	ids := make([]string, len(matches))
	for i, group := range matches {
		ids[i] = group.ID
	}
	return asc.BetaGroup{}, &failure.Error{
		Kind:    failure.Conflict,
		Message: fmt.Sprintf("%s has %d beta groups named %q", app.BundleID, len(matches), name),
		Hint:    "name it by id: " + strings.Join(ids, ", "),
	}
}

// checkReviewFlags refuses a review for groups that never need one.
func (r *run) checkReviewFlags(groups []asc.BetaGroup) error {
	submit := r.plan.Distribution.SubmitReview
	if submit == nil || !*submit || len(groups) == 0 || slices.ContainsFunc(groups, func(g asc.BetaGroup) bool { return !g.Internal }) {
		return nil
	}
	var names []string
	for _, group := range groups {
		names = append(names, group.Name)
	}
	return &failure.Error{
		Kind:    failure.Usage,
		Message: fmt.Sprintf("--submit-review was given, but only internal groups: %s", strings.Join(names, ", ")),
		Hint:    "internal testers need no beta review: leave --submit-review out, or name an external group",
	}
}

// Distance is the Levenshtein distance of two names, ignoring case.
func Distance(a, b string) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		previous := row[0]
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			previous, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, previous+cost)
		}
	}
	return row[len(y)]
}
