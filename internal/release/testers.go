package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
)

// A Person is a tester of an app, with the names of their groups.
type Person struct {
	ID        string   `json:"tester_id"`
	Email     string   `json:"email"`
	FirstName string   `json:"first_name"`
	LastName  string   `json:"last_name"`
	State     string   `json:"state"`
	Groups    []string `json:"groups"`
}

// A TesterResult is what became of one person.
type TesterResult struct {
	Email string `json:"email"`
	// State is changed, already, skipped (in a dry run) or failed.
	State  StepState `json:"state"`
	Groups []string  `json:"groups"`
	Error  string    `json:"error,omitempty"`
}

// Testers lists the testers of an app, or those of some groups, by address.
func (r *Runner) Testers(ctx context.Context, app string, groups []string) (asc.App, []Person, error) {
	run := r.start(Plan{App: app})
	people, err := run.people(ctx, app, groups)
	return people.app, people.list, err
}

// people are the testers of an app.
type people struct {
	app     asc.App
	groups  []asc.BetaGroup // all of the app
	list    []Person
	byEmail map[string]asc.BetaTester
}

func (r *run) people(ctx context.Context, appName string, groupNames []string) (people, error) {
	p := people{list: []Person{}, byEmail: map[string]asc.BetaTester{}}
	var err error
	if p.app, err = r.app(ctx, appName); err != nil {
		return p, err
	}
	if p.groups, err = asc.Collect(r.Client.BetaGroups(ctx, p.app.ID)); err != nil {
		return p, fmt.Errorf("list the beta groups of %s: %w", p.app.BundleID, err)
	}
	filter := asc.BetaTesterFilter{AppID: p.app.ID}
	if len(groupNames) > 0 {
		filter.AppID = "" // the service takes one or the other
		for _, name := range groupNames {
			group, err := chooseGroup(p.groups, name, p.app)
			if err != nil {
				return p, err
			}
			filter.BetaGroupIDs = append(filter.BetaGroupIDs, group.ID)
		}
	}
	for tester, err := range r.Client.BetaTesters(ctx, filter) {
		if err != nil {
			return p, fmt.Errorf("list the testers of %s: %w", p.app.BundleID, err)
		}
		p.byEmail[strings.ToLower(tester.Email)] = tester
		p.list = append(p.list, Person{
			ID: tester.ID, Email: tester.Email, FirstName: tester.FirstName, LastName: tester.LastName, State: tester.State, Groups: p.names(tester.BetaGroupIDs),
		})
	}
	slices.SortFunc(p.list, func(a, b Person) int { return strings.Compare(strings.ToLower(a.Email), strings.ToLower(b.Email)) })
	return p, nil
}

// names are those of the app's groups among ids.
func (p people) names(ids []string) []string {
	names := []string{}
	for _, g := range p.groups {
		if slices.Contains(ids, g.ID) {
			names = append(names, g.Name)
		}
	}
	return names
}

// testerWorkers is how many requests about testers are made at a time: the
// service limits bursts besides the hour.
const testerWorkers = 4

// AddTesters adds people to the groups they name, by name or id. Unknown groups
// stop it before anything is changed. One person that fails does not stop the
// others; the error says how many did.
func (r *Runner) AddTesters(ctx context.Context, app string, wanted []Person, dryRun bool) ([]TesterResult, error) {
	run := r.start(Plan{App: app})
	known, err := run.people(ctx, app, nil)
	if err != nil {
		return nil, err
	}
	chosen := make([][]asc.BetaGroup, len(wanted))
	for i, person := range wanted {
		if len(person.Groups) == 0 {
			return nil, &failure.Error{Kind: failure.Usage, Message: person.Email + " is in no group", Hint: "testers are added to groups: name them with --groups, or in the file's groups column"}
		}
		for _, name := range person.Groups {
			group, err := chooseGroup(known.groups, name, known.app)
			if err != nil {
				return nil, err
			}
			chosen[i] = append(chosen[i], group)
		}
	}
	pace := &allowance{run: run}
	results, err := run.each(ctx, "testers", len(wanted), func(ctx context.Context, i int) TesterResult {
		return run.addTester(ctx, pace, known, wanted[i], chosen[i], dryRun)
	})
	if ctx.Err() == nil {
		err = errors.Join(err, run.showsMembers(ctx, app, results, chosen))
	}
	return results, err
}

// showsMembers reads the testers back who were added, and marks those whom the
// service does not show in their groups.
func (r *run) showsMembers(ctx context.Context, app string, results []TesterResult, chosen [][]asc.BetaGroup) error {
	if !slices.ContainsFunc(results, func(t TesterResult) bool { return t.State == StepChanged }) {
		return nil
	}
	var missing map[int]string
	shown, err := r.untilShown(ctx, verified{missing: func(ctx context.Context) (string, error) {
		now, err := r.people(ctx, app, nil)
		if err != nil {
			return "", err
		}
		missing = map[int]string{}
		for i, result := range results {
			for _, group := range chosen[i] {
				if result.State == StepChanged && !slices.Contains(now.byEmail[strings.ToLower(result.Email)].BetaGroupIDs, group.ID) {
					missing[i] = group.Name
				}
			}
		}
		if len(missing) == 0 {
			return "", nil
		}
		return fmt.Sprintf("%d of the testers in their groups", len(missing)), nil
	}})
	if err != nil {
		r.warn(fmt.Sprintf("the testers were added, but cannot be read back: %v", err))
		return nil
	}
	if shown == "" {
		return nil
	}
	for i, group := range missing {
		results[i].State, results[i].Error = StepFailed, "accepted, but the service does not show the tester in "+group
	}
	return &failure.Error{Kind: failure.Rejected, Message: "the change was accepted, but the service does not show " + shown, Hint: "run the same command again; it changes only what is missing"}
}

func (r *run) addTester(ctx context.Context, pace *allowance, known people, person Person, groups []asc.BetaGroup, dryRun bool) TesterResult {
	result := TesterResult{Email: person.Email, State: StepChanged, Groups: []string{}}
	var ids []string
	for _, g := range groups {
		ids = append(ids, g.ID)
		result.Groups = append(result.Groups, g.Name)
	}
	existing, found := known.byEmail[strings.ToLower(person.Email)]
	if found {
		ids = slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(existing.BetaGroupIDs, id) })
		if len(ids) == 0 {
			result.State = StepAlready
			return result
		}
	}
	if dryRun {
		result.State = StepSkipped
		return result
	}
	var err error
	if found {
		err = r.join(ctx, pace, existing.ID, ids)
	} else {
		err = r.invite(ctx, pace, person, ids)
	}
	if err != nil {
		result.State, result.Error = StepFailed, err.Error()
	}
	return result
}

// join adds a tester that exists to groups.
func (r *run) join(ctx context.Context, pace *allowance, testerID string, groupIDs []string) error {
	for _, id := range groupIDs {
		if err := pace.wait(ctx); err != nil {
			return err
		}
		// Adding somebody twice changes nothing, so a lost reply is repeated.
		err := r.Client.AddTestersToBetaGroup(ctx, id, []string{testerID})
		if asc.IsUnclear(err) && ctx.Err() == nil {
			err = r.Client.AddTestersToBetaGroup(ctx, id, []string{testerID})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// invite makes a tester. Who exists already, in another app or because a reply
// was lost, is looked up and added to the groups.
func (r *run) invite(ctx context.Context, pace *allowance, person Person, groupIDs []string) error {
	if err := pace.wait(ctx); err != nil {
		return err
	}
	_, err := r.Client.CreateBetaTester(ctx, asc.NewBetaTester{Email: person.Email, FirstName: person.FirstName, LastName: person.LastName}, groupIDs)
	if !asc.IsConflict(err) && !asc.IsUnclear(err) || ctx.Err() != nil {
		return err
	}
	for tester, lookErr := range r.Client.BetaTesters(ctx, asc.BetaTesterFilter{Email: person.Email}) {
		if lookErr != nil {
			return errors.Join(err, lookErr)
		}
		if strings.EqualFold(tester.Email, person.Email) {
			missing := slices.DeleteFunc(slices.Clone(groupIDs), func(id string) bool { return slices.Contains(tester.BetaGroupIDs, id) })
			return r.join(ctx, pace, tester.ID, missing)
		}
	}
	if asc.IsUnclear(err) { // nothing was made
		_, err = r.Client.CreateBetaTester(ctx, asc.NewBetaTester{Email: person.Email, FirstName: person.FirstName, LastName: person.LastName}, groupIDs)
	}
	return err
}

// RemoveTesters takes people out of groups or, without any, off the app.
func (r *Runner) RemoveTesters(ctx context.Context, app string, emails, groups []string, dryRun bool) ([]TesterResult, error) {
	run := r.start(Plan{App: app})
	known, err := run.people(ctx, app, nil)
	if err != nil {
		return nil, err
	}
	var from []asc.BetaGroup
	for _, name := range groups {
		group, err := chooseGroup(known.groups, name, known.app)
		if err != nil {
			return nil, err
		}
		from = append(from, group)
	}
	pace := &allowance{run: run}
	return run.each(ctx, "testers", len(emails), func(ctx context.Context, i int) TesterResult {
		return run.removeTester(ctx, pace, known, emails[i], from, dryRun)
	})
}

func (r *run) removeTester(ctx context.Context, pace *allowance, known people, email string, from []asc.BetaGroup, dryRun bool) TesterResult {
	result := TesterResult{Email: email, State: StepAlready, Groups: []string{}}
	tester, found := known.byEmail[strings.ToLower(email)]
	if !found {
		return result // nothing is left to remove
	}
	var err error
	for _, group := range from {
		if !slices.Contains(tester.BetaGroupIDs, group.ID) {
			continue
		}
		result.State = StepChanged
		result.Groups = append(result.Groups, group.Name)
		if !dryRun && err == nil {
			if err = pace.wait(ctx); err == nil {
				err = r.Client.RemoveTestersFromBetaGroup(ctx, group.ID, []string{tester.ID})
			}
		}
	}
	if len(from) == 0 {
		result.State, result.Groups = StepChanged, known.names(tester.BetaGroupIDs)
		if !dryRun {
			if err = pace.wait(ctx); err == nil {
				err = r.Client.RemoveTestersFromApp(ctx, known.app.ID, []string{tester.ID})
			}
		}
	}
	switch {
	case err != nil && !asc.IsNotFound(err):
		result.State, result.Error = StepFailed, err.Error()
	case dryRun && result.State == StepChanged:
		result.State = StepSkipped
	}
	return result
}

// each does something for many, a few at a time, and tells how far it is.
func (r *run) each(ctx context.Context, what string, n int, do func(context.Context, int) TesterResult) ([]TesterResult, error) {
	results := make([]TesterResult, n)
	var mu sync.Mutex
	done, failed := 0, 0
	var firstError string
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(testerWorkers)
	r.Observer.Observe(Progress{What: what, Total: n})
	for i := range n {
		group.Go(func() error {
			if groupCtx.Err() != nil {
				return context.Cause(groupCtx)
			}
			results[i] = do(groupCtx, i)
			mu.Lock()
			defer mu.Unlock()
			done++
			if results[i].State == StepFailed {
				if failed++; firstError == "" {
					firstError = results[i].Error
				}
			}
			r.Observer.Observe(Progress{What: what, Done: done, Total: n})
			return nil
		})
	}
	if err := group.Wait(); err != nil || ctx.Err() != nil {
		return results[:0], errors.Join(err, context.Cause(ctx))
	}
	if failed > 0 {
		return results, &failure.Error{
			Kind: failure.Rejected, Message: fmt.Sprintf("%d of %d %s failed", failed, n, what), Hint: "run the same command again: those that are done are left alone", Details: []string{firstError},
		}
	}
	return results, nil
}

// allowance keeps requests within the key's hourly limit, and leaves some of
// it to others.
type allowance struct {
	*run
	mu   sync.Mutex
	told bool
}

const (
	// leastLeft is the smallest rest of the allowance that is left alone, and
	// leftShare the share of it.
	leastLeft = 20
	leftShare = 20
	// allowancePause is how often a used-up allowance is looked at: the hour
	// is a rolling one.
	allowancePause = time.Minute
)

// wait returns when there is room for a request.
func (a *allowance) wait(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	limit := a.Client.RateLimit()
	if !limit.Known() || limit.Remaining > max(leastLeft, limit.Limit/leftShare) {
		a.told = false
		return ctx.Err()
	}
	if !a.told {
		a.told = true
		a.notice(fmt.Sprintf("%d of the key's %d requests an hour are left: going on slowly", limit.Remaining, limit.Limit))
	}
	return a.Sleep(ctx, allowancePause)
}

// Groups lists the beta groups of an app.
func (r *Runner) Groups(ctx context.Context, app string) (asc.App, []asc.BetaGroup, error) {
	run := r.start(Plan{App: app})
	found, err := run.app(ctx, app)
	if err != nil {
		return asc.App{}, nil, err
	}
	groups, err := asc.Collect(r.Client.BetaGroups(ctx, found.ID))
	if err != nil {
		return found, nil, fmt.Errorf("list the beta groups of %s: %w", found.BundleID, err)
	}
	return found, groups, nil
}

// CreateGroup makes a beta group, unless there is one of that name.
func (r *Runner) CreateGroup(ctx context.Context, app string, wanted asc.NewBetaGroup) (asc.BetaGroup, StepState, error) {
	found, groups, err := r.Groups(ctx, app)
	if err != nil {
		return asc.BetaGroup{}, StepFailed, err
	}
	return r.start(Plan{App: app}).createGroup(ctx, found, groups, wanted)
}

func (r *run) createGroup(ctx context.Context, app asc.App, groups []asc.BetaGroup, wanted asc.NewBetaGroup) (asc.BetaGroup, StepState, error) {
	for _, g := range groups {
		if g.Name == wanted.Name {
			if g.Internal != wanted.IsInternalGroup {
				return g, StepFailed, &failure.Error{Kind: failure.Conflict, Message: fmt.Sprintf("%s has a beta group named %q of the other kind (internal: %v)", app.BundleID, g.Name, g.Internal), Hint: "choose another name"}
			}
			return g, StepAlready, nil
		}
	}
	made, err := r.Client.CreateBetaGroup(ctx, app.ID, wanted)
	if asc.IsUnclear(err) && ctx.Err() == nil {
		for g, lookErr := range r.Client.BetaGroups(ctx, app.ID) {
			if lookErr != nil {
				return made, StepFailed, errors.Join(err, lookErr)
			}
			if g.Name == wanted.Name {
				return g, StepChanged, nil
			}
		}
		made, err = r.Client.CreateBetaGroup(ctx, app.ID, wanted)
	}
	if err != nil {
		return made, StepFailed, fmt.Errorf("create the beta group %q: %w", wanted.Name, err)
	}
	return made, StepChanged, nil
}

// DeleteGroup removes a beta group, by name or id.
func (r *Runner) DeleteGroup(ctx context.Context, app, name string) (asc.BetaGroup, error) {
	found, groups, err := r.Groups(ctx, app)
	if err != nil {
		return asc.BetaGroup{}, err
	}
	group, err := chooseGroup(groups, name, found)
	if err != nil {
		return group, err
	}
	if err := r.Client.DeleteBetaGroup(ctx, group.ID); err != nil && !asc.IsNotFound(err) {
		return group, fmt.Errorf("delete the beta group %q: %w", group.Name, err)
	}
	return group, nil
}
