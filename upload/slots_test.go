package upload

import "testing"

// fixedLimit is a limit that a test sets.
type fixedLimit struct{ most, atEnd int }

func (l *fixedLimit) room(inFlight int) bool { return inFlight < l.most }

func (l *fixedLimit) roomAtEnd(inFlight, waiting int) bool { return waiting == 0 && inFlight < l.atEnd }

func granted(turn chan struct{}) bool {
	select {
	case <-turn:
		return true
	default:
		return turn == nil
	}
}

func TestSlotsAreTakenInOrder(t *testing.T) {
	s := slots{limit: &fixedLimit{most: 2}, unsent: 5}
	for range 2 {
		if s.acquire(false) != nil {
			t.Fatal("free slots are not given")
		}
	}
	first, second, repeated := s.acquire(false), s.acquire(false), s.acquire(true)
	if granted(first) || granted(second) || granted(repeated) || s.left() != 6 || s.notStarted() != 4 {
		t.Fatalf("%+v", s)
	}
	s.release()
	if !granted(repeated) || granted(first) {
		t.Error("a part that was started before does not come first")
	}
	s.release()
	if !granted(first) || granted(second) || s.inFlight != 2 || s.peak != 2 {
		t.Errorf("%+v", s)
	}
}

func TestAFreeSlotIsForThoseWhoWait(t *testing.T) {
	limit := &fixedLimit{most: 1}
	s := slots{limit: limit, unsent: 3}
	s.acquire(false)
	first := s.acquire(false)
	limit.most = 2
	if turn := s.acquire(false); granted(turn) {
		t.Error("a new part overtakes one that waits")
	}
	if s.acquire(true) != nil {
		t.Error("a part that was started before waits behind new ones")
	}
	if granted(first) {
		t.Error("more than the limit")
	}
	limit.most = 4
	s.grant()
	if !granted(first) || s.inFlight != 4 || len(s.waiting) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestWhoeverWithdrawsLosesNoSlot(t *testing.T) {
	s := slots{limit: &fixedLimit{most: 1}, unsent: 3}
	s.acquire(false)
	first, second := s.acquire(false), s.acquire(false)
	s.withdraw(first)
	s.release()
	if granted(first) || !granted(second) {
		t.Fatal("the slot did not go to the next")
	}
	third := s.acquire(true)
	s.withdraw(second) // it was granted at the same time
	if !granted(third) || s.inFlight != 1 {
		t.Errorf("%+v", s)
	}
}

func TestTheLastPartsMayStartBeyondTheLimit(t *testing.T) {
	s := slots{limit: &fixedLimit{most: 1, atEnd: 2}, unsent: 3}
	s.acquire(false)
	if turn := s.acquire(false); granted(turn) {
		t.Fatal("one is left that waits")
	}
	s.unsent-- // it is there already
	s.withdraw(s.waiting[0])
	if s.acquire(true) != nil || s.inFlight != 2 || s.peak != 2 {
		t.Errorf("%+v", s)
	}
}
