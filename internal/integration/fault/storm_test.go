package fault_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/internal/faulttest"
)

// bombs are where workers die by themselves.
var bombs = []string{
	"lease before", "lease after", "call before", "call after", "settle before", "settle after", "extend after", "call after", "settle after",
}

// A storm kills workers, senders and servers, and breaks connections, while messages are sent.
type storm struct {
	*crew
	workers []*faulttest.Process
	armed   map[*faulttest.Process]bool // they die by themselves
	sender  *faulttest.Process
	paused  *faulttest.Process
	resume  time.Time
	kills   int
	servers int
	steps   int
	shaking bool
}

func testStorm(t *testing.T, k kind, server *faulttest.Server, began time.Time) {
	z := sizeOf()
	s := &storm{crew: newCrew(t, newHome(t, k, server), z), armed: map[*faulttest.Process]bool{}}
	s.began = began
	for range workersAtOnce {
		s.workers = append(s.workers, s.start("worker", setup{Source: s.home.shaky()}))
	}
	s.sender = s.start("sender", setup{Source: s.home.shaky(), Rate: z.rate})
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

func (s *storm) wantsServers() bool { return s.home.server != nil }

// rest starts again who died by his own bomb, for so long.
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

// again counts a death and starts a worker again, perhaps with a bomb. Half of them have none, so that somebody always works.
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

// step breaks one thing.
func (s *storm) step() {
	s.steps++
	if s.home.proxy != nil {
		s.home.proxy.Resume()
	}
	if s.paused != nil && time.Now().After(s.resume) {
		s.paused.Resume()
		s.paused = nil
	}
	if !s.shaking && (s.kills > s.size.kills/2 || s.size.limit > 0 && time.Since(s.began) > s.size.limit/3) {
		s.shake()
	}
	switch {
	case s.shaking && s.wantsServers() && s.servers < s.size.serverKills && s.steps%4 == 0:
		s.killServer()
	case s.shaking && s.home.proxy != nil && s.steps%6 == 1:
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

// killWorker kills one from outside. One with a bomb is mostly left to it.
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
	s.home.server.Kill()
	s.servers++
	pause(s.t.Context(), rand.N(s.size.every))
	s.home.server.Restart()
	s.note(up, "")
}

// refuse takes the network away for a while.
func (s *storm) refuse() {
	s.home.proxy.Refuse(true)
	s.home.proxy.Cut()
	pause(s.t.Context(), s.size.every/2)
	s.home.proxy.Refuse(false)
}

// shake begins to break connections, where there are any.
func (s *storm) shake() {
	s.shaking = true
	s.note(shaken, "")
	if s.home.proxy == nil {
		return
	}
	s.home.proxy.Break(func([]byte) faulttest.Fault {
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

// calm ends all that is broken.
func (s *storm) calm() {
	if s.paused != nil {
		s.paused.Resume()
	}
	if s.home.proxy != nil {
		s.home.proxy.Break(nil)
		s.home.proxy.Resume()
	}
	for _, p := range s.workers {
		p.Kill()
		s.restart(p, faulttest.BombAt("", 0))
	}
}
