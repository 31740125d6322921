package fault_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/faulttest"
)

// workersAtOnce is how many processes run the engine.
const workersAtOnce = 4

// bombs are where workers die by themselves.
var bombs = []string{
	"lease before", "lease after", "call before", "call after", "settle before", "settle after", "extend after", "call after", "settle after",
}

// A crew is the processes of one test, with their ledger.
type crew struct {
	t        *testing.T
	home     *home
	size     size
	store    store.Deliveries // undisturbed
	ledger   *faulttest.Ledger
	path     string
	began    time.Time
	watching sync.WaitGroup
	seen     int64 // of the ledger
	counts   map[string]int
	shown    time.Time
}

func newCrew(t *testing.T, h *home, z size) *crew {
	t.Helper()
	c := &crew{t: t, home: h, size: z, began: time.Now(), counts: map[string]int{}, path: filepath.Join(t.TempDir(), "ledger")}
	var err error
	c.ledger, err = faulttest.OpenLedger(c.path)
	require.NoError(t, err)
	c.store = h.store(open(t, h.kind, h.source()), nil)
	t.Cleanup(func() {
		c.watching.Wait()
		c.ledger.Close()
		if t.Failed() {
			t.Logf("the end of the log:\n%s", tail(logOf(c.path)))
		}
	})
	return c
}

// start starts a process, and notes when it ends.
func (c *crew) start(role string, s setup, env ...string) *faulttest.Process {
	c.t.Helper()
	program, err := os.Executable()
	require.NoError(c.t, err)
	return c.startProgram(program, role, s, env...)
}

func (c *crew) startProgram(program, role string, s setup, env ...string) *faulttest.Process {
	c.t.Helper()
	s.Kind, s.Ledger, s.Lease = c.home.name, c.path, c.size.lease
	if s.Source == "" {
		s.Source = c.home.source()
	}
	p := faulttest.StartProgram(c.t, program, role, append(env, s.variable(c.t))...)
	c.watch(p)
	return p
}

func (c *crew) restart(p *faulttest.Process, env ...string) {
	c.t.Helper()
	p.Restart(env...)
	c.watch(p)
}

func (c *crew) watch(p *faulttest.Process) {
	pid, over := p.PID(), p.Ended()
	c.watching.Go(func() {
		<-over
		c.note(ended, fmt.Sprint(pid))
	})
}

func (c *crew) note(kind, id string) {
	if err := c.ledger.Note(faulttest.Entry{Kind: kind, ID: id}); err != nil {
		c.t.Error(err)
	}
}

// count reads on in the ledger and returns how many entries of a kind there are.
func (c *crew) count(kind string) int {
	c.t.Helper()
	es, next, err := c.ledger.Read(c.seen)
	require.NoError(c.t, err)
	c.seen = next
	for _, e := range es {
		c.counts[e.Kind]++
	}
	return c.counts[kind]
}

// show logs how far it is, every two seconds.
func (c *crew) show(format string, args ...any) {
	if time.Since(c.shown) < 2*time.Second {
		return
	}
	c.shown = time.Now()
	c.t.Logf("%3.0fs accepted %d called %d, %s", time.Since(c.began).Seconds(), c.count(accepted), c.count(called), fmt.Sprintf(format, args...))
}

// left counts what is not settled; if the store does not answer, that is not nothing.
func (c *crew) left(ctx context.Context) (n int) {
	counts, err := c.store.CountDeliveries(ctx, store.CountQuery{})
	if err != nil {
		return -1
	}
	for _, lane := range counts {
		n += lane.Due + lane.Later
	}
	return n
}

// drain waits until nothing is left to be done by workers.
func (c *crew) drain(limit time.Duration, workers ...*faulttest.Process) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), limit)
	defer cancel()
	left := -1
	for left != 0 && pause(ctx, 100*time.Millisecond) {
		left = c.left(ctx)
		c.show("%d left", left)
	}
	if left != 0 {
		c.dump(workers...)
	}
	require.Zero(c.t, left, "deliveries that nobody brings to an end within %v", limit)
}

// dump ends processes that are stuck, and logs where they are.
func (c *crew) dump(workers ...*faulttest.Process) {
	now, cancel := context.WithCancel(c.t.Context())
	cancel()
	for _, p := range workers {
		c.t.Log(p.Stop(now))
	}
}

// stop stops a process as an operator does.
func (c *crew) stop(p *faulttest.Process) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	require.NoError(c.t, p.Stop(ctx))
}

// audit is for the end.
func (c *crew) audit() *audit {
	c.t.Helper()
	es, _, err := c.ledger.Read(0)
	require.NoError(c.t, err)
	return newAudit(es, everything(c.t, c.store))
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
	for s.goesOn() && pause(t.Context(), z.every/2+rand.N(z.every)) {
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
		return time.Since(s.began) < s.size.limit-3*time.Second
	}
	return s.kills < s.size.kills || s.wantsServers() && s.servers < s.size.serverKills || s.count(accepted) < s.size.messages
}

func (s *storm) wantsServers() bool { return s.home.server != nil }

// step breaks one thing.
func (s *storm) step() {
	s.steps++
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

// killWorker kills one, or waits until its bomb does, and starts it again, with a bomb or without.
func (s *storm) killWorker() {
	p := s.workers[rand.N(len(s.workers))]
	if p == s.paused {
		return
	}
	if s.armed[p] {
		select {
		case <-p.Ended():
		case <-time.After(2 * s.size.every):
		}
	}
	p.Kill()
	s.kills++
	bomb := faulttest.BombAt("", 0)
	if s.armed[p] = rand.N(2) == 0; s.armed[p] {
		bomb = faulttest.BombAt(bombs[rand.N(len(bombs))], 1+rand.N(20))
	}
	s.restart(p, bomb)
}

func (s *storm) killServer() {
	s.note(down, "")
	s.home.server.Kill()
	s.servers++
	pause(s.t.Context(), rand.N(s.size.every))
	s.home.server.Restart()
	s.note(up, "")
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
	}
	for _, p := range s.workers {
		p.Kill()
		s.restart(p, faulttest.BombAt("", 0))
	}
}

// testDrain kills workers while they send a backlog as fast as they can: then each has as much under way as it may.
func testDrain(t *testing.T, k kind, server *faulttest.Server) {
	z := sizeOf()
	c := newCrew(t, newHome(t, k, server), z)
	c.accept(z.backlog)
	var workers []*faulttest.Process
	for range workersAtOnce / 2 {
		workers = append(workers, c.start("worker", setup{}))
	}
	for i := range drainKills {
		enough, end := (i+1)*z.backlog/(drainKills+1), time.Now().Add(time.Minute)
		for c.count(called) < enough && time.Now().Before(end) && pause(t.Context(), time.Millisecond) {
			c.show("%d kills", i)
		}
		if c.count(called) < enough {
			c.dump(workers...)
			t.Fatalf("only %d of %d were called within a minute", c.count(called), enough)
		}
		p := workers[i%len(workers)]
		p.Kill()
		c.restart(p)
	}
	c.drain(3*z.lease+30*time.Second, workers...)
	for _, p := range workers {
		c.stop(p)
	}
	a := c.audit()
	a.takeover = 0 // what a process held waits behind the backlog
	a.require(t, z)
	require.LessOrEqual(t, a.worst, openMost, "duplicates of one process")
}

const drainKills = 4

// accept sends so many messages, and notes them.
func (c *crew) accept(count int) {
	c.t.Helper()
	b := &bench{ledger: c.ledger, bomb: faulttest.NewBomb()}
	n, err := notify.New(notify.Config{Store: c.store, Channels: notify.Channels{"line": &provider{b}}})
	require.NoError(c.t, err)
	var sending sync.WaitGroup
	for i := range 16 {
		sending.Go(func() {
			for j := i; j < count; j += 16 {
				b.send(c.t.Context(), n, fmt.Sprintf("%s%d", plain, j))
			}
		})
	}
	sending.Wait()
}
