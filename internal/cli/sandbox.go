package cli

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/outfile"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/internal/term"
)

func (p *program) sandboxCommand() *cli.Command {
	return &cli.Command{
		Name:      "sandbox",
		Usage:     "run the embedded App Store Connect as a server",
		UsageText: "ascend sandbox --app com.example.demo --env-file sandbox.env",
		Description: "Prints one line of JSON on stdout when it is ready, and runs until it is stopped. Any client can use it:\n" +
			"--env-file writes what ascend and fastlane need. Nothing is kept when it ends.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "addr", Usage: "loopback `ADDRESS` of the API", Value: "127.0.0.1:0"},
			&cli.StringFlag{Name: "store-addr", Usage: "loopback `ADDRESS` of the object store", Value: "127.0.0.1:0"},
			&cli.BoolFlag{Name: "expose", Usage: "let --addr and --store-addr be addresses that other machines reach; takes --tls"},
			&cli.BoolFlag{Name: "tls", Usage: "serve over TLS; the certificate to trust is in the line of JSON, unless --tls-ca-file takes it"},
			&cli.StringFlag{Name: "env-file", Usage: "write export lines with the address and the throw-away key to `FILE`"},
			&cli.StringSliceFlag{Name: "app", Usage: "app record `BUNDLE_ID[=NAME]` (default: com.example.demo=Demo)"},
			&cli.StringSliceFlag{Name: "package", Usage: "make an app record that fits `PACKAGE`"},
			&cli.StringSliceFlag{Name: "group", Usage: "beta group `NAME[:external|internal|all]` of every app (default: Team:all, QA:internal, Beta:external)"},
			&cli.StringFlag{Name: "role", Usage: "`ROLE` of the key: admin, app-manager, developer or marketing", Value: "admin"},
			&cli.BoolFlag{Name: "individual", Usage: "make the key an individual one"},
			&cli.StringFlag{Name: "part-size", Usage: "length of a part in `BYTES`", Value: "5242880"},
			&cli.DurationFlag{Name: "processing", Usage: "time from the commit to the end of the build upload", Value: 2 * time.Second},
			&cli.DurationFlag{Name: "build-processing", Usage: "time from there to a VALID build", Value: 2 * time.Second},
			&cli.DurationFlag{Name: "settle", Usage: "time after that in which the service still answers 404 and 422", Value: 0},
			&cli.DurationFlag{Name: "review-time", Usage: "how long a beta review takes (default: for ever)"},
			&cli.DurationFlag{Name: "operation-life", Usage: "how long upload operations work", Value: 7 * 24 * time.Hour},
			&cli.IntFlag{Name: "hourly-limit", Usage: "requests per key and hour", Value: 3600},
			&cli.StringSliceFlag{Name: "fail", Usage: "fail every processing with `CODE:TEXT`"},
			&cli.StringSliceFlag{Name: "fault", Usage: "what goes wrong, by `RULE`: \"on=store part=3 nth=1 do=reset after=50%\" (docs/sandbox.md has them all)"},
			&cli.BoolFlag{Name: "keep-expired", Usage: "give no fresh upload operations when they have expired"},
			&cli.DurationFlag{Name: "round-trip", Usage: "emulate a line to the object store with this round-trip time"},
			&cli.StringFlag{Name: "rate-per-connection", Usage: "emulate a line that takes `RATE` (such as 2.5MB/s) on each connection"},
			&cli.StringFlag{Name: "rate-total", Usage: "emulate a line that takes `RATE` in total"},
			&cli.StringFlag{Name: "tls-ca-file", Usage: "serve over TLS, and write the certificate to trust to `FILE` (for SSL_CERT_FILE)"},
			&cli.BoolFlag{Name: "verbose", Usage: "log every request on stderr"},
		},
		Action: p.sandbox,
	}
}

func (p *program) sandbox(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	options, err := p.sandboxOptions(c)
	if err != nil {
		return err
	}
	for name, address := range map[string]*string{"addr": &options.Addr, "store-addr": &options.StoreAddr} {
		if *address, err = sandboxAddress(c, name); err != nil {
			return err
		}
	}
	server, err := sandbox.Start(options)
	if err != nil {
		return usagef("is the address free, and on this machine?", "%v", err)
	}
	defer server.Close()
	if file := c.String("tls-ca-file"); file != "" {
		if err := outfile.Write(file, server.CertificatePEM(), outfile.Shared); err != nil {
			return usagef("", "--tls-ca-file: %v", err)
		}
	}
	key := server.Keys()[0]
	secret := base64.StdEncoding.EncodeToString([]byte(key.PEM()))
	ready := map[string]any{"ready": true, "api_url": server.URL(), "store_url": server.StoreURL(), "key_id": key.ID, "issuer_id": key.IssuerID, "pid": os.Getpid()}
	if options.TLS && c.String("tls-ca-file") == "" {
		ready["ca"] = string(server.CertificatePEM())
	}
	if file := c.String("env-file"); file != "" {
		if err := writeEnvironment(file, server.URL(), key, secret); err != nil {
			return err
		}
		ready["env_file"] = file
	} else {
		ready["key"] = secret // opens nothing but this process
	}
	if err := p.Streams.JSONLine(ready); err != nil {
		return err
	}
	<-c.Context.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context), time.Second/2)
	defer cancel()
	return server.Shutdown(ctx) // being stopped is how it ends well
}

// writeEnvironment writes the file beside its place and renames it, so that a
// script that waits for it never reads half of it.
func writeEnvironment(path, url string, key sandbox.Key, secret string) error {
	var b strings.Builder
	for _, pair := range [][2]string{
		{"ASCEND_API_URL", url}, {"ASCEND_KEY_ID", key.ID}, {"ASCEND_ISSUER_ID", key.IssuerID}, {"ASCEND_KEY", secret},
		{"APP_STORE_CONNECT_API_KEY_KEY_ID", key.ID}, {"APP_STORE_CONNECT_API_KEY_ISSUER_ID", key.IssuerID},
		{"APP_STORE_CONNECT_API_KEY_KEY", secret}, {"APP_STORE_CONNECT_API_KEY_IS_KEY_CONTENT_BASE64", "true"},
	} {
		if pair[1] != "" {
			fmt.Fprintf(&b, "export %s='%s'\n", pair[0], pair[1])
		}
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".ascend-env-")
	if err != nil {
		return usagef("", "--env-file: %v", err)
	}
	defer os.Remove(temporary.Name())
	if _, err = temporary.WriteString(b.String()); err == nil {
		err = temporary.Close()
	}
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return usagef("", "--env-file: %v", err)
	}
	return nil
}

func (p *program) sandboxOptions(c *cli.Context) (sandbox.Options, error) {
	options := sandbox.Options{
		Addr: c.String("addr"), StoreAddr: c.String("store-addr"), Now: p.Now,
		UploadProcessing: c.Duration("processing"), BuildProcessing: c.Duration("build-processing"), Settle: c.Duration("settle"),
		ReviewTime: c.Duration("review-time"), OperationLife: c.Duration("operation-life"), HourlyLimit: c.Int("hourly-limit"),
		KeepExpired: c.Bool("keep-expired"), TLS: c.Bool("tls") || c.String("tls-ca-file") != "", Link: sandbox.Link{RoundTrip: c.Duration("round-trip")},
	}
	for name, into := range map[string]*int64{"rate-per-connection": &options.Link.PerConnection, "rate-total": &options.Link.Total} {
		limit, err := parseRate(c.String(name))
		if err != nil {
			return options, usagef("", "--%s: %v", name, err)
		}
		if limit != nil {
			*into = int64(limit.Limit())
		}
	}
	for _, text := range c.StringSlice("fault") {
		fault, err := sandbox.ParseFault(text)
		if err != nil {
			return options, usagef(`such as "on=store part=3 nth=1 do=reset after=50%"`, "--fault %q: %v", text, err)
		}
		options.Faults = append(options.Faults, fault)
	}
	if _, err := fmt.Sscan(c.String("part-size"), &options.PartSize); err != nil || options.PartSize < 1 {
		return options, usagef("", "--part-size must be a number of bytes")
	}
	role, ok := map[string]sandbox.Role{"admin": sandbox.Admin, "app-manager": sandbox.AppManager, "developer": sandbox.Developer, "marketing": sandbox.Marketing}[strings.ToLower(c.String("role"))]
	if !ok {
		return options, usagef("", "--role must be admin, app-manager, developer or marketing")
	}
	issuer := "57246542-96fe-1a63-e053-0824d011072a"
	if c.Bool("individual") {
		issuer = ""
	}
	key, err := sandbox.NewKey("SANDBOX001", issuer, role)
	if err != nil {
		return options, err
	}
	options.Keys = []sandbox.Key{key}
	groups, err := sandboxGroups(trimmed(c.StringSlice("group")))
	if err != nil {
		return options, err
	}
	for _, record := range trimmed(c.StringSlice("app")) {
		id, name, _ := strings.Cut(record, "=")
		options.Apps = append(options.Apps, sandbox.App{BundleID: id, Name: name, Groups: groups})
	}
	for _, path := range trimmed(c.StringSlice("package")) {
		info, err := bundle.InspectFile(path)
		if err != nil {
			return options, err
		}
		options.Apps = append(options.Apps, sandbox.App{BundleID: info.BundleID, Name: info.Name, Groups: groups})
	}
	if len(options.Apps) == 0 {
		options.Apps = []sandbox.App{{BundleID: "com.example.demo", Name: "Demo", Groups: groups}}
	}
	for _, text := range c.StringSlice("fail") {
		code, description, _ := strings.Cut(text, ":")
		options.FailWith = append(options.FailWith, sandbox.Detail{Code: code, Description: description})
	}
	if c.Bool("verbose") {
		options.OnRequest = func(r sandbox.Request) {
			fmt.Fprintf(p.Streams.Err, "%s %s %s %s %d %d B %s\n", r.Start.Format("15:04:05.000"), r.Host, term.Clean(r.Method), term.Clean(r.Path), r.Status, r.Bytes, r.Duration.Round(time.Microsecond))
		}
	}
	return options, nil
}

func sandboxGroups(specs []string) ([]sandbox.Group, error) {
	if len(specs) == 0 {
		specs = []string{"Team:all", "QA:internal", "Beta:external"}
	}
	var groups []sandbox.Group
	for _, spec := range specs {
		name, kind, _ := strings.Cut(spec, ":")
		group := sandbox.Group{Name: name}
		switch kind {
		case "", "external":
		case "internal":
			group.Internal = true
		case "all":
			group.Internal, group.AllBuilds = true, true
		default:
			return nil, usagef("", "--group %q: a group is external, internal or all", spec)
		}
		groups = append(groups, group)
	}
	return groups, nil
}
