package websocket

import "sync"

// A worker runs one connection's hooks, one after another, on a goroutine that lives while there is work. What waits is bounded.
type worker struct {
	limit   int
	running sync.WaitGroup

	mu   sync.Mutex
	jobs []job
	cost int // of jobs and of the one that runs
	busy bool
}

type job struct {
	run  func()
	cost int
}

// do runs f later, or reports that too much waits.
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

// next takes a job, after the cost of the last one has been given back.
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
