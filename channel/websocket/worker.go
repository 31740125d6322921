package websocket

import "sync"

// A worker runs the hooks of one connection one after another, on a goroutine that exists only while there is work. Its queue is
// bounded.
type worker struct {
	limit   int
	running sync.WaitGroup

	mu   sync.Mutex
	jobs []job
	cost int // of jobs and of the running one
	busy bool
}

type job struct {
	run  func()
	cost int
}

// do queues f and reports whether the queue had room.
func (w *worker) do(cost int, f func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cost+cost > w.limit {
		return false
	}
	w.jobs = append(w.jobs, job{f, cost})
	w.cost += cost
	if !w.busy {
		w.busy = true
		w.running.Go(w.work)
	}
	return true
}

func (w *worker) work() {
	for j, ok := w.next(0); ok; j, ok = w.next(j.cost) {
		j.run()
	}
}

// next gives back the cost of the last job and takes the next one.
func (w *worker) next(done int) (job, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cost -= done
	if len(w.jobs) == 0 {
		w.jobs, w.busy = nil, false
		return job{}, false
	}
	j := w.jobs[0]
	w.jobs = w.jobs[1:]
	return j, true
}
