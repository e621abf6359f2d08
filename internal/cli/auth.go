package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
)

// authReport is the JSON form of auth check.
type authReport struct {
	KeyID        string    `json:"key_id"`
	Kind         string    `json:"kind"`
	IssuerID     string    `json:"issuer_id"`
	TokenExpires time.Time `json:"token_expires"`
	// ClockSkewSeconds is how far this clock is ahead of the service's. It and
	// the allowance are null where the service does not tell.
	ClockSkewSeconds *int     `json:"clock_skew_seconds"`
	APIURL           string   `json:"api_url"`
	HourlyLimit      *int     `json:"hourly_limit"`
	HourlyRemaining  *int     `json:"hourly_remaining"`
	Apps             []string `json:"apps"`
	// Calls are those that the job needs, tried without changing anything.
	Calls []authCall `json:"calls"`
}

// authCall is one thing that the job needs.
type authCall struct {
	For string `json:"for"`
	// Allowed is null where that could not be found out.
	Allowed *bool `json:"allowed"`
	// Problem says why not, in the service's words.
	Problem string `json:"problem"`
}

// errRole is a refusal whose words say which role is missing.
type errRole string

func (e errRole) Error() string { return string(e) }

// tryCalls tries what the job needs, without changing anything.
func tryCalls(ctx context.Context, client *asc.Client, apps []asc.App) []authCall {
	yes, no := true, false
	calls := []authCall{{For: "see apps", Allowed: &yes}}
	try := func(what string, do func() error) {
		call := authCall{For: what, Allowed: &yes}
		if err := do(); err != nil {
			var role errRole
			call.Allowed, call.Problem = nil, err.Error()
			if errors.As(err, &role) || asc.IsForbidden(err) {
				call.Allowed = &no
			}
		}
		calls = append(calls, call)
	}
	if len(apps) > 0 {
		app := apps[0].ID
		try("see builds and build uploads", func() error {
			for _, err := range client.Builds(ctx, asc.BuildFilter{AppID: app}) {
				if err != nil {
					return err
				}
				break
			}
			for _, err := range client.BuildUploads(ctx, app, asc.BuildUploadFilter{}) {
				return err
			}
			return nil
		})
		try("see groups", func() error {
			for _, err := range client.BetaGroups(ctx, app) {
				return err
			}
			return nil
		})
	}
	try("upload builds", func() error {
		may, err := client.MayUpload(ctx)
		if err == nil && !may {
			return errRole("the service refuses it (403): the role has to be Developer, App Manager or Admin")
		}
		return err
	})
	try("give builds to testers", func() error {
		may, err := client.MayDistribute(ctx)
		if err == nil && !may {
			return errRole("the service refuses it (403): the role has to be App Manager or Admin; a Developer's uploads only")
		}
		return err
	})
	return calls
}

func (p *program) authCommand() *cli.Command {
	return &cli.Command{
		Name:  "auth",
		Usage: "about the API key",
		Subcommands: []*cli.Command{{
			Name:        "check",
			Usage:       "is this key good: signature, clock, role, apps, hourly allowance",
			Description: "Signs a token, asks the service for the apps the key can see, and shows what it says.\nEnds with 3 if the key is refused.",
			Flags: flags(under(outputCategory,
				&cli.DurationFlag{Name: "retry-for", Usage: "how long a request that fails is tried again", Value: 30 * time.Second},
			), outputFlags(), credentialFlags()),
			Action: p.authCheck,
		}},
	}
}

func (p *program) authCheck(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	key, _, err := p.key(c)
	if err != nil {
		return err
	}
	if err := c.Set("retry-for", c.Duration("retry-for").String()); err != nil { // somebody waits for the answer
		return err
	}
	narrator := p.narrator(c)
	session, err := p.open(c, nil, narrator)
	if err != nil {
		return err
	}
	defer session.close()
	_, expires, err := key.SignToken(p.Now())
	if err != nil {
		return err
	}
	apps, err := asc.Collect(session.client.Apps(c.Context, ""))
	if err != nil {
		return err
	}
	calls := tryCalls(c.Context, session.client, apps)
	report := authReport{KeyID: key.ID, Kind: "team", IssuerID: key.IssuerID, TokenExpires: expires.UTC(), APIURL: session.client.BaseURL(), Apps: []string{}, Calls: calls}
	if key.Individual() {
		report.Kind = "individual"
	}
	for _, app := range apps {
		report.Apps = append(report.Apps, app.BundleID)
	}
	clock, allowance := "the service does not tell its time", "the service does not tell"
	if skew, known := session.client.ClockSkew(); known {
		seconds := int(skew.Seconds())
		report.ClockSkewSeconds = &seconds
		clock = fmt.Sprintf("%+d s against the service", seconds)
		if skew.Abs() > time.Minute {
			narrator.Warn(fmt.Sprintf("this machine's clock differs from the service's by %s: tokens may be refused", skew.Abs()))
		}
	}
	if limit := session.client.RateLimit(); limit.Known() {
		report.HourlyLimit, report.HourlyRemaining = &limit.Limit, &limit.Remaining
		allowance = fmt.Sprintf("%d of %d requests left this hour", limit.Remaining, limit.Limit)
		if limit.Remaining < limit.Limit/20 {
			narrator.Warn("the key's hourly allowance is nearly used up: " + allowance)
		}
	}
	for _, call := range calls {
		switch {
		case call.Allowed == nil:
			narrator.Warn("whether the key may " + call.For + " could not be found out: " + call.Problem)
		case !*call.Allowed:
			narrator.Warn("the key may not " + call.For + ": " + call.Problem)
		}
	}
	if len(apps) == 0 {
		narrator.Warn("the key is good, but sees no app: create the app record first, or give the key access to it")
	}
	if c.Bool("json") {
		return p.Streams.JSON(report)
	}
	p.Streams.Table("the key is good",
		"key", report.KeyID+" ("+report.Kind+")",
		"issuer", report.IssuerID,
		"service", report.APIURL,
		"token until", report.TokenExpires.Format(time.RFC3339),
		"clock", clock,
		"allowance", allowance,
		"apps", listApps(report.Apps),
		"may", listCalls(calls, func(c authCall) bool { return c.Allowed != nil && *c.Allowed }),
		"may not", listCalls(calls, func(c authCall) bool { return c.Allowed != nil && !*c.Allowed }),
		"not known", listCalls(calls, func(c authCall) bool { return c.Allowed == nil }),
	)
	return nil
}

func listCalls(calls []authCall, wanted func(authCall) bool) string {
	var names []string
	for _, call := range calls {
		if wanted(call) {
			names = append(names, call.For)
		}
	}
	return strings.Join(names, ", ")
}

func listApps(apps []string) string {
	const most = 10
	text := fmt.Sprintf("%d", len(apps))
	for i, app := range apps {
		if i == most {
			return text + ", …"
		}
		if i == 0 {
			text += ": " + app
		} else {
			text += ", " + app
		}
	}
	return text
}
