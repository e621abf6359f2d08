package cli

import (
	"flag"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/failure"
)

// TestTheSandboxIsOnLoopback has addresses of both listeners, with and without
// the flags that let other machines in.
func TestTheSandboxIsOnLoopback(t *testing.T) {
	for _, c := range []struct {
		address, want string // want is empty for a refusal
		flags         []string
	}{
		{address: "127.0.0.1:0", want: "127.0.0.1:0"}, {address: "127.0.0.2:80", want: "127.0.0.2:80"}, {address: "[::1]:0", want: "[::1]:0"}, {address: "", want: "127.0.0.1:0"},
		{address: "[::ffff:127.0.0.1]:0", want: "127.0.0.1:0"}, {address: "localhost:8080", want: "127.0.0.1:8080"},
		{address: ":8080"}, {address: "0.0.0.0:0"}, {address: "[::]:0"}, {address: "192.0.2.1:80"}, {address: "[::ffff:192.0.2.1]:80"}, {address: "0:80"}, {address: "127.0.0.1"}, {address: "no.such.host.invalid:80"},
		{address: "0.0.0.0:0", flags: []string{"tls"}}, {address: "0.0.0.0:0", flags: []string{"expose"}}, {address: "127.0.0.1:0", flags: []string{"expose"}},
		{address: "0.0.0.0:0", flags: []string{"expose", "tls"}, want: "0.0.0.0:0"}, {address: ":8443", flags: []string{"expose", "tls"}, want: ":8443"},
	} {
		for _, name := range []string{"addr", "store-addr"} {
			set := flag.NewFlagSet("sandbox", flag.ContinueOnError)
			set.String("addr", "", "")
			set.String("store-addr", "", "")
			set.String("tls-ca-file", "", "")
			set.Bool("expose", false, "")
			set.Bool("tls", false, "")
			for _, f := range c.flags {
				if err := set.Set(f, "true"); err != nil {
					t.Fatal(err)
				}
			}
			if err := set.Set(name, c.address); err != nil {
				t.Fatal(err)
			}
			context := cli.NewContext(nil, set, nil)
			context.Context = t.Context()
			got, err := sandboxAddress(context, name)
			if got != c.want || (err != nil) != (c.want == "") || err != nil && failure.KindOf(err) != failure.Usage {
				t.Errorf("--%s %s with %v: %q, %v", name, c.address, c.flags, got, err)
			}
		}
	}
}
