package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/upload"
)

var farStore = sandbox.Link{RoundTrip: 80 * time.Millisecond, PerConnection: 20 * mbit, Total: 400 * mbit}

// line is a good line over a long way, where one connection gets a twentieth.
func line(ctx context.Context) error {
	return overLine(ctx, 5, 200<<20, farStore)
}

// faulty is the same line with things going wrong, where chance has it: the
// median of many runs tells more than any one. A part that fails in the last
// round costs two seconds whoever sends it, since one connection needs that
// long for a part.
func faulty(ctx context.Context) error {
	return overLine(ctx, 15, 200<<20, farStore, "on=store chance=0.02 do=reset after=50%", "on=store connection-every=10 do=stall after=50%")
}

// slow is a line that a single connection fills.
func slow(ctx context.Context) error {
	return overLine(ctx, 1, 60<<20, sandbox.Link{RoundTrip: 40 * time.Millisecond, Total: 5 * mbit})
}

// overLine uploads several times and prints the median, the least and the
// most of what was used of the line.
func overLine(ctx context.Context, runs int, size int64, link sandbox.Link, rules ...string) error {
	var faults []sandbox.Fault
	for _, text := range rules {
		fault, err := sandbox.ParseFault(text)
		if err != nil {
			return err
		}
		faults = append(faults, fault)
	}
	ideal := float64(size) / float64(link.Total)
	var used []float64
	var wire float64
	var peak, settled, retries int
	for range runs {
		s, err := open(ctx, size, sandbox.Options{Link: link, Faults: faults})
		if err != nil {
			return err
		}
		took, result, err := s.measure(ctx, noise(size), size, upload.NewPool(0, 0))
		err = errors.Join(err, s.server.Close())
		if err != nil {
			return err
		}
		used = append(used, 100*ideal/took.Seconds())
		wire = max(wire, 100*float64(s.bytes.Load())/float64(size))
		peak, settled, retries = max(peak, result.Peak), result.Concurrency, retries+result.Retries
	}
	slices.Sort(used)
	fmt.Printf("  %.1f %% of the line (median of %d; %.1f to %.1f); on the wire at most %.1f %% of the file; %d parts in flight at most, %d at the end; %d retries in all\n",
		used[len(used)/2], runs, used[0], used[len(used)-1], wire, peak, settled, retries)
	return nil
}
