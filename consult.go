package notify

import "time"

// patience is how long a dispatcher may take to answer.
const patience = 5 * time.Second

// consult calls f, which asks a dispatcher, and reports whether it has answered. One that hangs must not hold up all that this process
// sends: it is not asked again before it comes back, and until then the Notifier owns its call.
func (r *runner) consult(dispatcher string, f func()) bool {
	switch r.dispatchers[dispatcher].(type) {
	case all, first, escalate: // ours, which answer in less time than it takes to begin a goroutine
		return r.guard("dispatcher", f) == nil
	}
	if r.hangs(dispatcher) {
		return false
	}
	done := make(chan bool, 1)
	go func() {
		answered := false
		defer func() { done <- answered }() // after runtime.Goexit, too
		answered = r.guard("dispatcher", f) == nil
	}()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case answered := <-done:
		return answered
	case <-t.C:
	}
	r.log.Error("dispatcher hangs", "dispatcher", dispatcher)
	r.running.adopt()
	r.countHanging(dispatcher, 1)
	go func() {
		defer r.running.leave()
		<-done
		r.countHanging(dispatcher, -1)
	}()
	return false
}

// hangs reports whether a dispatcher has been asked something that it has not answered in time, nor since.
func (r *runner) hangs(dispatcher string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hanging[dispatcher] > 0
}

func (r *runner) countHanging(dispatcher string, more int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hanging[dispatcher] += more
}
