package upload

import (
	"testing"
	"time"
)

func TestAConnectionIsSuspectedByComparison(t *testing.T) {
	now := epoch
	pool := func(stills ...time.Duration) (*stallDetector, []*attempt, map[*attempt]struct{}) {
		p := &stallDetector{}
		for range 100 {
			p.paused(50 * time.Millisecond)
			p.replied(100 * time.Millisecond)
		}
		all := map[*attempt]struct{}{}
		var list []*attempt
		for _, still := range stills {
			f := &attempt{last: now.Add(-still), sent: 1 << 20}
			all[f], list = struct{}{}, append(list, f)
		}
		return p, list, all
	}
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		stills []time.Duration
		change func(*stallDetector, *attempt)
		want   bool
	}{
		"it stands still, the others go on":    {[]time.Duration{500 * ms, 20 * ms, 20 * ms, 20 * ms}, nil, true},
		"it has only just stopped":             {[]time.Duration{150 * ms, 20 * ms, 20 * ms, 20 * ms}, nil, false},
		"all stand still":                      {[]time.Duration{500 * ms, 510 * ms, 490 * ms}, nil, false},
		"all pauses are long here":             {[]time.Duration{500 * ms, 20 * ms, 20 * ms}, func(p *stallDetector, _ *attempt) { p.paused(400 * ms) }, false},
		"nothing is known yet":                 {[]time.Duration{5 * time.Second, 20 * ms}, func(p *stallDetector, _ *attempt) { *p = stallDetector{} }, false},
		"it waits for the rate limit":          {[]time.Duration{5 * time.Second, 20 * ms}, func(_ *stallDetector, f *attempt) { f.held = true }, false},
		"the reply takes a while":              {[]time.Duration{1500 * ms, 20 * ms, 20 * ms}, func(_ *stallDetector, f *attempt) { f.complete = true }, false},
		"the reply takes far too long":         {[]time.Duration{2500 * ms, 20 * ms, 20 * ms}, func(_ *stallDetector, f *attempt) { f.complete = true }, true},
		"it is alone, and still for long":      {[]time.Duration{time.Second}, nil, true},
		"it is alone, and still for a moment":  {[]time.Duration{500 * ms}, nil, false},
		"it was suspected several times":       {[]time.Duration{500 * ms, 20 * ms, 20 * ms}, func(_ *stallDetector, f *attempt) { f.patience = 3 }, false},
		"it is given up already":               {[]time.Duration{500 * ms, 20 * ms, 20 * ms}, func(_ *stallDetector, f *attempt) { f.suspected = true }, false},
		"suspicion did not help this part yet": {[]time.Duration{time.Minute, 20 * ms, 20 * ms}, func(_ *stallDetector, f *attempt) { f.patience = 5 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, list, all := pool(c.stills...)
			if c.change != nil {
				c.change(p, list[0])
			}
			if got := p.suspects(now, list[0], all); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
