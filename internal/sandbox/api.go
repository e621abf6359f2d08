package sandbox

import (
	"fmt"
	"net/http"
	"time"
)

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	s.observe("api", w, r, s.answer)
}

// answer is one API request: token, allowance, operation, parameters, body.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	now := s.options.Now()
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	key, refused := s.authenticate(r, now)
	if refused != nil {
		writeRefusals(w, refused)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	remaining := s.countRequest(key.ID, now)
	limit := fmt.Sprintf("user-hour-lim:%d;user-hour-rem:%d;", s.options.HourlyLimit, max(remaining, 0))
	w.Header().Set("X-Rate-Limit", limit)
	if remaining < 0 {
		writeRefusals(w, knownRefusal(http.StatusTooManyRequests, "RATE_LIMIT_EXCEEDED"))
		return
	}
	route := s.contract.Match(r.URL.Path)
	call := route.Methods[r.Method]
	if call == nil {
		writeRefusals(w, noOperation(s.contract, r, route))
		return
	}
	if refused := authorize(key, r.Method, r.URL.Path); refused != nil {
		writeRefusals(w, refused)
		return
	}
	s.advance(now)
	q, refusals := checkQuery(call, s.contract, r.URL.RawQuery)
	if len(refusals) > 0 {
		writeRefusals(w, refusals...)
		return
	}
	q.base = baseOf(r)
	s.dispatch(w, r, route, q)
	s.announce()
}

// countRequest counts a request against the key's rolling hour and returns what is
// left.
func (s *Server) countRequest(key string, now time.Time) int {
	spent := s.spent[key]
	for len(spent) > 0 && now.Sub(spent[0]) >= time.Hour {
		spent = spent[1:]
	}
	if len(spent) < s.options.HourlyLimit {
		spent = append(spent, now)
		s.spent[key] = spent
		return s.options.HourlyLimit - len(spent)
	}
	s.spent[key] = spent
	return -1
}
