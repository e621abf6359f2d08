package sandbox

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Fault is a rule of what goes wrong, and when. Every condition that is set
// must hold.
type Fault struct {
	// On is "api" or "store"; empty means both.
	On string
	// Method and Path narrow it; a path may have * as in path.Match.
	Method, Path string
	// Part is the part number, Nth counts the requests that match all else,
	// from 1. Zero ranges mean all.
	Part, Nth Span
	// Every lets one in so many matching requests fail, ConnectionEvery the
	// first request of one in so many connections.
	Every, ConnectionEvery int
	// Chance is the probability of each matching request to fail.
	Chance float64

	Do Action
	// Status, Code and RetryAfter are those of [FaultStatus].
	Status     int
	Code       string
	RetryAfter string
	// After is how much of the request's body is read first.
	After Amount
	// For is how long [FaultWait] and [FaultDown] take; a stall without it
	// lasts until the server ends.
	For time.Duration
	// Rate is that of [FaultSlow], in bytes per second.
	Rate int64
}

// An Action is what happens when a fault strikes.
type Action string

// The actions.
const (
	FaultStatus    Action = "status"     // answer with Status; with After=0 before the body is read
	FaultReset     Action = "reset"      // reset the connection
	FaultClose     Action = "close"      // close the connection
	FaultStall     Action = "stall"      // read nothing more and never answer
	FaultSlow      Action = "slow"       // read the body at Rate
	FaultWait      Action = "wait"       // answer For later
	FaultLose      Action = "lose"       // carry the request out, but drop the reply
	FaultWrongETag Action = "wrong-etag" // store the part, but answer with another ETag
	FaultNoETag    Action = "no-etag"    // store the part, and answer without ETag
	FaultHTML      Action = "html"       // answer 200 with a page, as a proxy does
	FaultEmpty     Action = "empty"      // answer 200 with nothing
	FaultRefuse    Action = "refuse"     // reset connections as they come in, before anything is read
	FaultDown      Action = "down"       // reset all connections, and new ones for a while
)

var actions = []Action{
	FaultStatus, FaultReset, FaultClose, FaultStall, FaultSlow, FaultWait, FaultLose,
	FaultWrongETag, FaultNoETag, FaultHTML, FaultEmpty, FaultRefuse, FaultDown,
}

// A Span is a range of numbers, both ends included.
type Span struct{ First, Last int64 }

func (s Span) has(n int64) bool { return s == Span{} || n >= s.First && n <= s.Last }

// An Amount is a number of bytes, or a share of what there is.
type Amount struct {
	Bytes   int64
	Percent float64
}

func (a Amount) of(total int64) int64 {
	if a.Percent > 0 && total > 0 {
		return int64(float64(total) * a.Percent / 100)
	}
	return a.Bytes
}

// ParseFault reads a rule: conditions and an action, as key=value separated by
// spaces. These are the keys:
//
//	on=api|store  method=PUT  path=/v1/builds/*  part=3  nth=1-2  every=10  connection-every=10  chance=0.02
//	do=reset  status=503  code=SlowDown  retry-after=2  after=50%  for=2s  rate=10000
//
// status alone means do=status.
func ParseFault(text string) (Fault, error) {
	var f Fault
	for pair := range strings.FieldsSeq(text) {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || value == "" {
			return f, fmt.Errorf("%q is not key=value", pair)
		}
		if err := f.set(key, value); err != nil {
			return f, fmt.Errorf("%s=%s: %w", key, value, err)
		}
	}
	if f.Do == "" && f.Status != 0 {
		f.Do = FaultStatus
	}
	switch {
	case !slices.Contains(actions, f.Do):
		return f, fmt.Errorf("do must be one of %v", actions)
	case f.Do == FaultStatus && (f.Status < 200 || f.Status > 599):
		return f, fmt.Errorf("status must be between 200 and 599")
	case f.Do == FaultSlow && f.Rate <= 0:
		return f, fmt.Errorf("do=slow needs a rate in bytes per second")
	case (f.Do == FaultDown || f.Do == FaultWait) && f.For <= 0:
		return f, fmt.Errorf("do=%s needs for=DURATION", f.Do)
	}
	return f, nil
}

func (f *Fault) set(key, value string) error {
	set, ok := settings[key]
	if !ok {
		return fmt.Errorf("there is no such key")
	}
	return set(f, value)
}

// settings are the keys of a rule.
var settings = map[string]func(*Fault, string) error{
	"on":               (*Fault).setOn,
	"method":           func(f *Fault, value string) error { f.Method = strings.ToUpper(value); return nil },
	"path":             (*Fault).setPath,
	"part":             func(f *Fault, value string) error { return parse(&f.Part, value, parseSpan) },
	"nth":              func(f *Fault, value string) error { return parse(&f.Nth, value, parseSpan) },
	"every":            func(f *Fault, value string) error { return parse(&f.Every, value, strconv.Atoi) },
	"connection-every": func(f *Fault, value string) error { return parse(&f.ConnectionEvery, value, strconv.Atoi) },
	"chance":           func(f *Fault, value string) error { return parse(&f.Chance, value, parseChance) },
	"do":               func(f *Fault, value string) error { f.Do = Action(value); return nil },
	"status":           func(f *Fault, value string) error { return parse(&f.Status, value, strconv.Atoi) },
	"code":             func(f *Fault, value string) error { f.Code = value; return nil },
	"retry-after":      func(f *Fault, value string) error { f.RetryAfter = value; return nil },
	"after":            func(f *Fault, value string) error { return parse(&f.After, value, parseAmount) },
	"for":              func(f *Fault, value string) error { return parse(&f.For, value, time.ParseDuration) },
	"rate":             func(f *Fault, value string) error { return parse(&f.Rate, value, parseInt) },
}

func parse[T any](into *T, value string, read func(string) (T, error)) (err error) {
	*into, err = read(value)
	return err
}

func parseInt(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }

func (f *Fault) setOn(value string) error {
	if f.On = value; value != "api" && value != "store" {
		return fmt.Errorf("it is api or store")
	}
	return nil
}

func (f *Fault) setPath(value string) error {
	f.Path = value
	_, err := path.Match(value, "/")
	return err
}

func parseChance(text string) (float64, error) {
	chance, err := strconv.ParseFloat(text, 64)
	if err == nil && !(chance > 0 && chance <= 1) {
		err = fmt.Errorf("a probability is more than 0 and at most 1")
	}
	return chance, err
}

func parseAmount(text string) (amount Amount, err error) {
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		amount.Percent, err = strconv.ParseFloat(percent, 64)
	} else {
		amount.Bytes, err = parseInt(text)
	}
	if err == nil && !(amount.Bytes >= 0 && amount.Percent >= 0 && amount.Percent <= 100) {
		err = fmt.Errorf("it is a number of bytes, or up to 100%%")
	}
	return amount, err
}

func parseSpan(text string) (Span, error) {
	first, last, ranged := strings.Cut(text, "-")
	a, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return Span{}, err
	}
	b := a
	if ranged {
		if b, err = strconv.ParseInt(last, 10, 64); err != nil {
			return Span{}, err
		}
	}
	if a < 1 || b < a {
		return Span{}, fmt.Errorf("numbers start at 1")
	}
	return Span{a, b}, nil
}

// faults are the rules of a server, and how often each matched.
type faults struct {
	mu    sync.Mutex
	rules []*rule
}

type rule struct {
	Fault
	seen        int64
	connections map[int64]bool
}

func newFaults(list []Fault) *faults {
	f := &faults{}
	for _, fault := range list {
		f.rules = append(f.rules, &rule{Fault: fault, connections: map[int64]bool{}})
	}
	return f
}

// strike returns the fault that a request runs into, or nil. Every rule that
// matches counts the request, also when an earlier one strikes.
func (f *faults) strike(host string, connection int64, r *http.Request) *Fault {
	part, _ := strconv.ParseInt(r.URL.Query().Get("partNumber"), 10, 64)
	f.mu.Lock()
	defer f.mu.Unlock()
	var hit *Fault
	for _, rule := range f.rules {
		if rule.Do != FaultRefuse && rule.matches(host, r.Method, r.URL.Path, part) && rule.due(connection) && hit == nil {
			hit = &rule.Fault
		}
	}
	return hit
}

// refuses tells whether a connection is to be reset as it comes in.
func (f *faults) refuses(host string, connection int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	refused := false
	for _, rule := range f.rules {
		if rule.Do == FaultRefuse && (rule.On == "" || rule.On == host) && rule.due(connection) {
			refused = true
		}
	}
	return refused
}

func (r *rule) matches(host, method, requested string, part int64) bool {
	if r.On != "" && r.On != host || r.Method != "" && r.Method != method || !r.Part.has(part) {
		return false
	}
	if r.Path == "" {
		return true
	}
	ok, err := path.Match(r.Path, requested)
	return err == nil && ok
}

// due counts a matching request and tells whether it is one that fails.
func (r *rule) due(connection int64) bool {
	r.seen++
	if !r.Nth.has(r.seen) || r.Every > 0 && r.seen%int64(r.Every) != 0 || r.Chance > 0 && rand.Float64() >= r.Chance {
		return false
	}
	if r.ConnectionEvery > 0 {
		if connection%int64(r.ConnectionEvery) != 0 || r.connections[connection] {
			return false
		}
		r.connections[connection] = true
	}
	return true
}

// AddFault adds a rule to a running server. It counts from now on.
func (s *Server) AddFault(f Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = append(s.faults.rules, &rule{Fault: f, connections: map[int64]bool{}})
}
