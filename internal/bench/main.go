// Command bench measures the uploader against emulated lines and prints ratios:
//
//	go run ./internal/bench [case…]
//
// Each case says what the line allows and how much of it the uploader used, in
// the same run on the same machine, so that figures from different machines can
// be compared. Nothing here is asserted; the tests do that, without a clock.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
)

// A benchCase prints one line or more.
type benchCase struct {
	name, what string
	run        func(context.Context) error
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, wanted []string) error {
	cases := []benchCase{
		{"line", "200 MiB in 5 MiB parts; 80 ms round trip, 20 Mbit/s per connection, 400 Mbit/s in total", line},
		{"faults", "the same; 2 % of the parts fail half-way, one connection in ten stalls", faulty},
		{"slow", "60 MiB in 5 MiB parts; 5 Mbit/s in total", slow},
		{"loopback", "1 GiB over TLS on loopback, against a bare loop of net/http PUTs", loopback},
		{"memory", "4 GiB (sparse) at 32 parts in flight: peak resident memory of the process", memory},
		{"resume", "a kill at 90 %: what the next run sends", resume},
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(cases, func(c benchCase) bool { return c.name == name }) {
			return fmt.Errorf("there is no case %q", name)
		}
	}
	var errs []error
	for _, c := range cases {
		if len(wanted) > 0 && !slices.Contains(wanted, c.name) {
			continue
		}
		fmt.Printf("%s: %s\n", c.name, c.what)
		if err := c.run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}
