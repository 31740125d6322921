package notify_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

// A model is three channels that answer at random, and a record of their calls.
type model struct {
	*random
	mu     sync.Mutex
	left   map[string][]bool    // by delivery: for each call, whether this call or an earlier one sent it
	open   map[string]time.Time // by recipient: the end of the last call's grace, or zero if the call has answered
	last   time.Time            // the beginning of the last call of b
	broken []string             // rules
}

const (
	modelTimeout = 2 * time.Second
	modelGrace   = 100 * time.Millisecond // after its timeout, a call is given up
	modelRate    = 4
)

func (m *model) rule(ok bool, format string, args ...any) {
	if !ok {
		m.broken = append(m.broken, fmt.Sprintf(format, args...))
	}
}

// begin records a call, checks the rules for it, and draws its answer and its length.
func (m *model) begin(d channel.Delivery) (left bool, answer int, takes time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.left[d.ID]
	gone := len(before) > 0 && before[len(before)-1]
	m.rule(d.Attempt == len(before)+1, "%s: attempt %d after %d calls", d.ID, d.Attempt, len(before))
	m.rule(!gone || !d.AtMostOnce, "%s: called again after it left", d.ID)
	m.rule(d.ExpireAt.IsZero() || time.Now().Before(d.ExpireAt), "%s: called after it expired", d.ID)
	m.rule(!time.Now().Before(m.open[d.Recipient]) || d.Category != "first", "%s: called while another call was in flight", d.ID)
	m.open[d.Recipient] = in(modelTimeout + modelGrace)
	if d.Channel == "b" {
		m.rule(time.Since(m.last) >= time.Second/modelRate, "b is called faster than its rate")
		m.last = time.Now()
	}
	answer = m.intn(12)
	left = answer < 4 || answer >= 8 && m.intn(2) == 0
	m.left[d.ID] = append(before, left || gone)
	return left, answer, []time.Duration{0, time.Millisecond, modelTimeout, modelTimeout + modelGrace, time.Minute}[m.intn(5)]
}

// end records that a call has answered, unless it was given up.
func (m *model) end(d channel.Delivery, begun time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(begun) < modelTimeout+modelGrace {
		m.open[d.Recipient] = time.Time{}
	}
}

// Send answers after a random time. Three calls in four answer when ctx ends.
func (m *model) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	left, answer, takes := m.begin(d)
	stop := ctx.Done()
	if m.intn(4) == 0 {
		stop = nil
	}
	defer m.end(d, time.Now())
	select {
	case <-time.After(takes):
	case <-stop:
		if left {
			return channel.Receipt{}, ctx.Err()
		}
		return channel.Receipt{}, fails(channel.Temporary)
	}
	kinds := []channel.Kind{channel.Temporary, channel.RateLimited, channel.Unreachable, channel.Misconfigured}
	switch {
	case answer < 4:
		return channel.Receipt{}, nil
	case answer < 8:
		return channel.Receipt{}, waits(kinds[answer-4], time.Duration(m.intn(2000))*time.Millisecond)
	case answer == 8:
		panic("late or not")
	}
	return channel.Receipt{}, errors.New("eh")
}

// check compares a report with the calls.
func (m *model) check(r notify.Report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range r.Deliveries {
		calls := m.left[o.ID]
		left := len(calls) > 0 && calls[len(calls)-1]
		m.rule(o.Status.Settled() && o.Until.IsZero(), "%s: is %s", o.ID, o.Status)
		m.rule(o.Attempts == len(calls), "%s: %d attempts, %d calls", o.ID, o.Attempts, len(calls))
		m.rule(left || !o.Status.Reaches(notify.Sent), "%s: is %s, but never left", o.ID, o.Status)
		m.rule(!left || o.Status == notify.Unknown || o.Status == notify.Sent, "%s: is %s, but left", o.ID, o.Status)
		m.rule(len(calls) > 0 || o.Status != notify.Unknown, "%s: is unknown, but was not called", o.ID)
		m.rule((o.Err == nil) == (o.Status == notify.Sent || o.Status == notify.Suppressed && o.Reason == notify.ReasonNotNeeded), "%s: is %s with error %v", o.ID, o.Status, o.Err)
	}
}

// send sends a random message, and checks the report and that Send returns in time.
func (m *model) send(t *testing.T, n *notify.Notifier) {
	msg := notify.Message{Channels: []string{"a", "b", "c"}[:1+m.intn(3)], Content: notify.Content{Text: "x"}, AtMostOnce: m.intn(2) == 0}
	msg.Dispatcher = []string{"all", "first", "random"}[m.intn(3)]
	msg.Category = msg.Dispatcher
	for i := range 1 + m.intn(5) {
		id := fmt.Sprintf("%d-%d", m.intn(1e9), i)
		msg.To = append(msg.To, notify.Recipient{ID: id, Addresses: map[string][]string{"a": {id}, "b": {id, id + "'"}, "c": {id}}})
	}
	if m.intn(3) == 0 {
		msg.ExpireAt = time.Now().Add(time.Duration(1+m.intn(8000)) * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(m.intn(30000))*time.Millisecond)
	defer cancel()
	r, err := n.Send(ctx, msg)
	require.NotErrorIs(t, err, notify.ErrClosed)
	end, _ := ctx.Deadline()
	m.check(r)
	require.LessOrEqual(t, time.Since(end), modelGrace, "Send outlived its ctx")
}

// next returns random steps.
func (m *model) next(_ time.Time, ds []notify.Progress) []notify.Step {
	steps := make([]notify.Step, len(ds))
	for i := range steps {
		steps[i].Action = notify.Action(m.intn(5))
	}
	return steps
}

// A failure prints its seed. To repeat it, put the seed in place of base.
func TestReportsAreTrueWhateverHappens(t *testing.T) {
	base := rand.Uint64()
	for i := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			m := &model{random: newRandom(base + i), left: map[string][]bool{}, open: map[string]time.Time{}}
			n := newNotifier(t, notify.Config{
				Channels:    notify.Channels{"a": m, "b": m, "c": m},
				Policies:    map[string]notify.Policy{"": {Timeout: modelTimeout, Concurrency: 2}, "b": {Rate: modelRate}, "c": {MaxWait: time.Minute}},
				Dispatchers: map[string]notify.Dispatcher{"random": fakeDispatcher{next: m.next}},
			})
			var wg sync.WaitGroup
			for range 1 + m.intn(6) {
				wg.Go(func() {
					time.Sleep(time.Duration(m.intn(3000)) * time.Millisecond)
					m.send(t, n)
				})
			}
			wg.Wait()
			require.NoError(t, n.Close(t.Context()), "Close waits for calls that were given up")
			synctest.Wait()
			m.rule(n.Idle(), "the Notifier must be idle after Close")
			require.Empty(t, m.broken, "seed %d", base+i)
		})
	}
}
