package term

import "time"

// ticking calls a function again and again.
type ticking struct{ stop, stopped chan struct{} }

// start begins, often enough for a live view or else for a log.
func (t *ticking) start(live bool, tick func()) {
	if t.stop != nil {
		return
	}
	every := time.Second
	if live {
		every = redrawEvery
	}
	t.stop, t.stopped = make(chan struct{}), make(chan struct{})
	go func(stop, stopped chan struct{}) {
		defer close(stopped)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				tick()
			}
		}
	}(t.stop, t.stopped)
}

// end returns when nothing is called any more.
func (t *ticking) end() {
	if t.stop == nil {
		return
	}
	close(t.stop)
	<-t.stopped
	t.stop = nil
}
