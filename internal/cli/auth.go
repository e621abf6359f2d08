package cli

import (
	"fmt"
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
}

func (p *program) authCommand() *cli.Command {
	return &cli.Command{
		Name:  "auth",
		Usage: "about the API key",
		Subcommands: []*cli.Command{{
			Name:        "check",
			Usage:       "is this key good: signature, clock, apps, hourly allowance",
			Description: "Signs a token, asks the service for the apps the key can see, and shows what it says.\nEnds with 3 if the key is refused.",
			Flags:       flags(credentialFlags(), outputFlags()),
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
	limit := session.client.RateLimit()
	report := authReport{
		KeyID: key.ID, Kind: "team", IssuerID: key.IssuerID, TokenExpires: expires.UTC(), APIURL: session.client.BaseURL(),
		ClockSkewSeconds: int(session.client.ClockSkew().Seconds()), HourlyLimit: limit.Limit, HourlyRemaining: limit.Remaining, Apps: []string{},
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
	)
	return nil
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
