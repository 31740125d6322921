package notify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/e7ddda3c/notify/store"
)

// Explain describes a message for operators. The lines of the text describe the state of each delivery with the reason, the next event with
// its time, and every attempt. The text contains no address and no content. Errors of drivers and providers are quoted without the address of
// the delivery. Times are UTC. The wording may change.
func (n *Notifier) Explain(ctx context.Context, id string) (string, error) {
	now, rec, err := n.find(ctx, id, true)
	if err != nil {
		return "", err
	}
	pauses, err := n.storedPauses(ctx)
	if err != nil {
		return "", err
	}
	x := explainer{now: now, pauses: pauses}
	report := n.reportOf(ctx, rec)
	x.message(&rec.Message)
	for i := range rec.Deliveries {
		d := &rec.Deliveries[i]
		if i == 0 || d.Recipient != rec.Deliveries[i-1].Recipient {
			x.recipient(d, report.Deliveries[i].Reached)
		}
		x.delivery(d, report.Deliveries[i])
	}
	return x.text.String(), nil
}

type explainer struct {
	now    time.Time // the store's clock
	pauses []store.Pause
	to     string // the address, which is kept secret
	text   strings.Builder
}

func (x *explainer) say(indent int, format string, args ...any) {
	x.text.WriteString(strings.Repeat("  ", indent))
	fmt.Fprintf(&x.text, format+"\n", args...)
}

func (x *explainer) message(m *store.Message) {
	x.say(0, "message %s was accepted at %s", m.ID, clock(m.AcceptedAt))
	x.say(0, "class %s, dispatcher %s%s", m.Class, m.Dispatcher, listed(
		word{"tenant", m.Tenant}, word{"key", m.Key}, word{"category", m.Category}, word{"template", m.Template}))
	if m.AtMostOnce {
		x.say(0, "after an attempt that may have gone out there is no other")
	}
	if !m.ExpireAt.IsZero() {
		x.say(0, "no attempt begins after %s", clock(m.ExpireAt))
	}
}

func (x *explainer) recipient(d *store.Delivery, reached bool) {
	who := fmt.Sprintf("recipient %d", d.Recipient)
	if d.User != "" {
		who += fmt.Sprintf(" (%q)", d.User)
	}
	state := "is not reached, or not yet"
	if reached {
		state = "is reached"
	}
	x.say(0, "%s %s", who, state)
}

func (x *explainer) delivery(d *store.Delivery, o Outcome) {
	x.to = d.To
	stands := string(o.Status)
	if o.Reason != "" {
		stands += ", " + string(o.Reason)
	}
	x.say(1, "%s on %s: %s since %s, after %s", o.ID, o.Channel, stands, clock(o.At), counted(o.Attempts, "attempt", "attempts"))
	if o.Err != nil {
		x.say(2, "because: %s", x.quote(o.Err))
	}
	if d.Canceled && o.Status != Canceled {
		x.say(2, "it was to be canceled while a process held it, whose driver may have been called")
	}
	switch {
	case d.Duplicate:
		x.say(2, "the recipient may have got it more than once")
	case d.Doubt && !o.Status.Reaches(Sent):
		x.say(2, "an attempt may have gone out, whose answer was lost")
	}
	if !d.Status.Settled() {
		x.awaited(d)
	}
	for i, a := range d.Attempted {
		x.attempt(i+1, &a)
	}
}

// awaited describes the event that a live delivery waits for.
func (x *explainer) awaited(d *store.Delivery) {
	if i := slices.IndexFunc(x.pauses, func(p store.Pause) bool { return p.Channel == d.Lane.Channel() }); i >= 0 {
		p := x.pauses[i]
		e, _ := p.Failure.Err()
		x.say(2, "the channel %s is paused until %s: %s", p.Channel, clock(p.Until), x.quote(e))
	}
	if d.Lapsed > 0 {
		x.say(2, "%s that held it died or stalled", counted(d.Lapsed, "process", "processes"))
	}
	switch {
	case d.NotBefore.After(x.now):
		x.say(2, "no attempt before %s", clock(d.NotBefore))
	case d.Status == Accepted && d.Claim == 0 && !d.Due.After(x.now):
		x.say(2, "due since %s, and no process has taken it yet", clock(d.Due))
	case !d.Due.After(x.now):
		x.say(2, "due since %s", clock(d.Due))
	case d.Reason == ReasonWaiting:
		x.say(2, "its dispatcher is asked again by %s", clock(d.Due))
	case d.Status == Accepted:
		x.say(2, "a process holds it, until %s unless it says otherwise", clock(d.Due))
	default:
		x.say(2, "looked at again at %s", clock(d.Due))
	}
}

func (x *explainer) attempt(no int, a *store.Attempt) {
	line := fmt.Sprintf("attempt %d at %s took %s: %s", no, clock(a.At), a.Took.Round(time.Millisecond), a.Status)
	if a.Reason != "" {
		line += ", " + string(a.Reason)
	}
	line += listed(word{"provider", a.Provider}, word{"its id", a.ProviderID}, word{"code", a.Code})
	if e, _ := a.Failure.Err(); e != nil {
		line += ": " + x.quote(e)
	}
	if a.Duplicate {
		line += " (an earlier one may have gone out)"
	}
	x.say(2, "%s", line)
}

func listed(words ...word) (list string) {
	for _, w := range words {
		if w.text != "" {
			list += fmt.Sprintf(", %s %q", w.field, w.text)
		}
	}
	return list
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// quote returns an error of a driver or provider in one line, without the address.
func (x *explainer) quote(err error) string {
	s := err.Error()
	if len(x.to) >= 4 { // a shorter one may be part of any word
		s = strings.ReplaceAll(s, x.to, "<address>")
	}
	s = strings.Join(strings.Fields(s), " ")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}
