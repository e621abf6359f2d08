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
	// ClockSkewSeconds is how far this clock is ahead of the service's.
	ClockSkewSeconds int      `json:"clock_skew_seconds"`
	APIURL           string   `json:"api_url"`
	HourlyLimit      int      `json:"hourly_limit"`
	HourlyRemaining  int      `json:"hourly_remaining"`
	Apps             []string `json:"apps"`
	// Calls are those that the job needs, tried without changing anything.
	Calls []authCall `json:"calls"`
}

// authCall is one thing that the job needs.
type authCall struct {
	For     string `json:"for"`
	Allowed bool   `json:"allowed"`
	// Problem says why not, in the service's words.
	Problem string `json:"problem"`
}

// tryCalls tries what the job needs, without changing anything.
func tryCalls(ctx context.Context, client *asc.Client, apps []asc.App) []authCall {
	calls := []authCall{{For: "see apps", Allowed: true}}
	try := func(what string, do func() error) {
		call := authCall{For: what, Allowed: true}
		if err := do(); err != nil {
			call.Allowed, call.Problem = false, err.Error()
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
			return errors.New("the service refuses it (403): the role has to be Developer, App Manager or Admin")
		}
		return err
	})
	try("give builds to testers", func() error {
		may, err := client.MayDistribute(ctx)
		if err == nil && !may {
			return errors.New("the service refuses it (403): the role has to be App Manager or Admin; a Developer's uploads only")
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
			Flags:       flags(outputFlags(), credentialFlags()),
			Action:      p.authCheck,
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
	limit := session.client.RateLimit()
	report := authReport{
		KeyID: key.ID, Kind: "team", IssuerID: key.IssuerID, TokenExpires: expires.UTC(), APIURL: session.client.BaseURL(),
		ClockSkewSeconds: int(session.client.ClockSkew().Seconds()), HourlyLimit: limit.Limit, HourlyRemaining: limit.Remaining, Apps: []string{},
		Calls: calls,
	}
	if key.Individual() {
		report.Kind = "individual"
	}
	for _, app := range apps {
		report.Apps = append(report.Apps, app.BundleID)
	}
	if skew := session.client.ClockSkew().Abs(); skew > time.Minute {
		narrator.Warn(fmt.Sprintf("this machine's clock differs from the service's by %s: tokens may be refused", skew))
	}
	for _, call := range calls {
		if !call.Allowed {
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
		"clock", fmt.Sprintf("%+d s against the service", report.ClockSkewSeconds),
		"allowance", fmt.Sprintf("%d of %d requests left this hour", limit.Remaining, limit.Limit),
		"apps", listApps(report.Apps),
		"may", listCalls(calls, true),
		"may not", listCalls(calls, false),
	)
	return nil
}

func listCalls(calls []authCall, allowed bool) string {
	var names []string
	for _, call := range calls {
		if call.Allowed == allowed {
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
