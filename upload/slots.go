package upload

// slots is a semaphore whose size changes while it is in use. The caller locks.
type slots struct {
	limit    limit
	inFlight int
	peak     int // the highest inFlight
	waiting  []chan struct{}
	unsent   int // parts of all uploads that have not been started
}

// A limit decides how many parts may be in flight.
type limit interface {
	// room reports whether a part may start beside those in flight.
	room(inFlight int) bool
	// roomAtEnd reports whether one may because only so many are waiting.
	roomAtEnd(inFlight, waiting int) bool
}

// acquire takes a slot. If there is none it returns a channel that is closed
// when the caller has one. A part that was started before comes first and does
// not count as new.
func (s *slots) acquire(again bool) (turn chan struct{}) {
	if !again {
		s.unsent--
	}
	if s.free(again) {
		s.take()
		return nil
	}
	turn = make(chan struct{})
	if again {
		s.waiting = append([]chan struct{}{turn}, s.waiting...)
	} else {
		s.waiting = append(s.waiting, turn)
	}
	return turn
}

// withdraw ends the wait for a slot. If it came at the same time, it is given
// back.
func (s *slots) withdraw(turn chan struct{}) {
	for i, other := range s.waiting {
		if other == turn {
			s.waiting = append(s.waiting[:i:i], s.waiting[i+1:]...)
			return
		}
	}
	s.release()
}

// release gives a slot back.
func (s *slots) release() {
	s.inFlight--
	s.grant()
}

// grant gives the slots that are free to those that wait.
func (s *slots) grant() {
	for len(s.waiting) > 0 && (s.limit.room(s.inFlight) || s.limit.roomAtEnd(s.inFlight, s.notStarted())) {
		s.take()
		close(s.waiting[0])
		s.waiting = s.waiting[1:]
	}
}

func (s *slots) free(again bool) bool {
	if s.limit.room(s.inFlight) {
		return again || len(s.waiting) == 0
	}
	return s.limit.roomAtEnd(s.inFlight, s.notStarted())
}

func (s *slots) take() {
	s.inFlight++
	s.peak = max(s.peak, s.inFlight)
}

// notStarted is the number of parts that have no slot.
func (s *slots) notStarted() int { return s.unsent + len(s.waiting) }

// left is the number of parts that have not arrived.
func (s *slots) left() int { return s.notStarted() + s.inFlight }
