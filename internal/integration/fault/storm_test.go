package fault_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/internal/faulttest"
)

// bombs are the points at which workers may kill themselves.
var bombs = []string{
	"lease before", "lease after", "call before", "call after", "settle before", "settle after", "extend after", "call after", "settle after",
}

// A storm kills workers, senders and servers and breaks connections while messages are sent.
type storm struct {
	*crew
	workers    []*faulttest.Process
	armed      map[*faulttest.Process]bool // workers that have a bomb
	sender     *faulttest.Process
	paused     *faulttest.Process
	resume     time.Time
	kills      int
	servers    int
	steps      int
	disrupting bool
}

func testStorm(t *testing.T, k kind, server *faulttest.Server, began time.Time) {
	z := sizeOf()
	s := &storm{crew: newCrew(t, newTestDB(t, k, server), z), armed: map[*faulttest.Process]bool{}}
	s.began = began
	for range workersAtOnce {
		s.workers = append(s.workers, s.start("worker", setup{Source: s.database.proxied()}))
	}
	s.sender = s.start("sender", setup{Source: s.database.proxied(), Rate: z.rate})
	for s.goesOn() {
		s.rest(z.every/2 + rand.N(z.every))
		s.step()
		s.show("%d kills of workers, %d of the server", s.kills, s.servers)
	}
	s.calm()
	s.stop(s.sender)
	s.drain(3*z.lease+30*time.Second, s.workers...)
	for _, p := range s.workers {
		s.stop(p)
	}
	s.audit().require(t, z)
}

func (s *storm) goesOn() bool {
	if s.size.limit > 0 {
		return time.Since(s.began) < s.size.limit-3*time.Second || s.count(accepted) == 0
	}
	return s.kills < s.size.kills || s.wantsServers() && s.servers < s.size.serverKills || s.count(accepted) < s.size.messages
}

func (s *storm) wantsServers() bool { return s.database.server != nil }

// rest lets d pass, and restarts the workers that their bombs kill in that time.
func (s *storm) rest(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end) && pause(s.t.Context(), 20*time.Millisecond); {
		for _, p := range s.workers {
			select {
			case <-p.Ended():
				s.again(p)
			default:
			}
		}
	}
}

// again counts a kill and restarts the worker, perhaps with a bomb. At least half of the workers have none, so that there is progress.
func (s *storm) again(p *faulttest.Process) {
	s.kills++
	armed := 0
	for _, other := range s.workers {
		if other != p && s.armed[other] {
			armed++
		}
	}
	bomb := faulttest.BombAt("", 0)
	if s.armed[p] = armed < workersAtOnce/2 && rand.N(2) == 0; s.armed[p] {
		bomb = faulttest.BombAt(bombs[rand.N(len(bombs))], 1+rand.N(20))
	}
	s.restart(p, bomb)
}

// step causes one failure.
func (s *storm) step() {
	s.steps++
	if s.database.proxy != nil {
		s.database.proxy.Resume()
	}
	if s.paused != nil && time.Now().After(s.resume) {
		s.paused.Resume()
		s.paused = nil
	}
	if !s.disrupting && (s.kills > s.size.kills/2 || s.size.limit > 0 && time.Since(s.began) > s.size.limit/3) {
		s.disrupt()
	}
	switch {
	case s.disrupting && s.wantsServers() && s.servers < s.size.serverKills && s.steps%4 == 0:
		s.killServer()
	case s.disrupting && s.database.proxy != nil && s.steps%6 == 1:
		s.refuse()
	case s.steps%9 == 0:
		s.sender.Kill()
		s.restart(s.sender)
	case s.steps%7 == 0 && s.paused == nil:
		s.paused, s.resume = s.workers[rand.N(len(s.workers))], time.Now().Add(s.size.lease*13/10)
		s.paused.Pause()
	default:
		s.killWorker()
	}
}

// killWorker kills a random worker from outside, but spares most of those that have a bomb.
func (s *storm) killWorker() {
	p := s.workers[rand.N(len(s.workers))]
	if p == s.paused || s.armed[p] && rand.N(4) > 0 {
		return
	}
	p.Kill()
	s.again(p)
}

func (s *storm) killServer() {
	s.note(down, "")
	s.database.server.Kill()
	s.servers++
	pause(s.t.Context(), rand.N(s.size.every))
	s.database.server.Restart()
	s.note(up, "")
}

// refuse cuts and refuses all connections for a while.
func (s *storm) refuse() {
	s.database.proxy.Refuse(true)
	s.database.proxy.Cut()
	pause(s.t.Context(), s.size.every/2)
	s.database.proxy.Refuse(false)
}

// disrupt starts to break connections at random, if there is a proxy.
func (s *storm) disrupt() {
	s.disrupting = true
	s.note(disrupted, "")
	if s.database.proxy == nil {
		return
	}
	s.database.proxy.Break(func([]byte) faulttest.Fault {
		switch n := rand.N(1000); {
		case n < 10:
			return faulttest.CutAfter
		case n < 13:
			return faulttest.CutBefore
		case n < 15:
			return faulttest.Stall
		}
		return faulttest.Pass
	})
}

// calm ends all failures, and restarts all workers without bombs.
func (s *storm) calm() {
	if s.paused != nil {
		s.paused.Resume()
	}
	if s.database.proxy != nil {
		s.database.proxy.Break(nil)
		s.database.proxy.Resume()
	}
	for _, p := range s.workers {
		p.Kill()
		s.restart(p, faulttest.BombAt("", 0))
	}
}
