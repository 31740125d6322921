package notify_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

func TestReceiptsRaiseDeliveries(t *testing.T) {
	was := time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC)
	bounced := channel.Receipt{Event: channel.Bounced, Code: "30005", Kind: channel.InvalidRecipient, At: was}
	tests := map[string]struct {
		receipts []channel.Receipt
		status   notify.Status
		reason   notify.Reason
		kind     channel.Kind
	}{
		"sent again":                   {receipts: []channel.Receipt{{Event: channel.Sent}}, status: notify.Sent},
		"delivered":                    {receipts: []channel.Receipt{{Event: channel.Delivered, At: was}}, status: notify.Delivered},
		"read":                         {receipts: []channel.Receipt{{Event: channel.Read, At: was}}, status: notify.Read},
		"read, then delivered":         {receipts: []channel.Receipt{{Event: channel.Read, At: was}, {Event: channel.Delivered}}, status: notify.Read},
		"delivered twice":              {receipts: []channel.Receipt{{Event: channel.Delivered, At: was}, {Event: channel.Delivered}}, status: notify.Delivered},
		"bounced":                      {receipts: []channel.Receipt{bounced}, status: notify.Failed, reason: notify.ReasonBounced, kind: channel.InvalidRecipient},
		"bounced, then sent":           {receipts: []channel.Receipt{bounced, {Event: channel.Sent}}, status: notify.Failed, reason: notify.ReasonBounced, kind: channel.InvalidRecipient},
		"bounced, then delivered":      {receipts: []channel.Receipt{bounced, {Event: channel.Delivered, At: was}}, status: notify.Delivered},
		"bounced without a kind":       {receipts: []channel.Receipt{{Event: channel.Bounced, At: was}}, status: notify.Failed, reason: notify.ReasonBounced, kind: channel.Unreachable},
		"bounced with an unknown kind": {receipts: []channel.Receipt{{Event: channel.Bounced, At: was, Kind: "odd"}}, status: notify.Failed, reason: notify.ReasonBounced, kind: channel.Unreachable},
		"bounced for its content":      {receipts: []channel.Receipt{{Event: channel.Bounced, At: was, Kind: channel.Rejected}}, status: notify.Failed, reason: notify.ReasonBounced, kind: channel.Rejected},
	}
	names := map[string]func(notify.Outcome) channel.Receipt{
		"by the delivery's id": func(o notify.Outcome) channel.Receipt { return channel.Receipt{DeliveryID: o.ID} },
		"by the vendor's id":   func(o notify.Outcome) channel.Receipt { return channel.Receipt{Provider: "vendor", ID: o.ProviderID} },
		"by the vendor's id, beside an id of the host": func(o notify.Outcome) channel.Receipt {
			return channel.Receipt{DeliveryID: "order-7", Provider: "vendor", ID: o.ProviderID}
		},
	}
	for named, of := range names {
		for name, tt := range tests {
			t.Run(name+", "+named, func(t *testing.T) {
				n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"sms": texting()}})
				o := sent(t, n, text("+15005550006")).Deliveries[0]
				require.Equal(t, notify.Sent, o.Status)
				for _, r := range tt.receipts {
					named := of(o)
					r.DeliveryID, r.Provider, r.ID = named.DeliveryID, named.Provider, named.ID
					require.NoError(t, n.Receive(t.Context(), r))
				}
				report := reported(t, n, o.ID[:36])
				got := report.Deliveries[0]
				require.Equal(t, tt.status, got.Status)
				require.Equal(t, tt.reason, got.Reason)
				if tt.status != notify.Sent {
					require.Equal(t, was, got.At)
				}
				if tt.kind == "" {
					require.NoError(t, got.Err)
					return
				}
				var e *channel.Error
				require.ErrorAs(t, got.Err, &e)
				require.Equal(t, tt.kind, e.Kind)
				require.Equal(t, tt.receipts[0].Code, e.Code)
			})
		}
	}
}

func TestReceiptsThatNobodyKnows(t *testing.T) {
	n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"sms": texting()}})
	o := sent(t, n, text("+15005550006")).Deliveries[0]
	for name, r := range map[string]channel.Receipt{
		"another message":                         {DeliveryID: notify.NewID(time.Now()) + "-0-0"},
		"another recipient":                       {DeliveryID: o.ID[:36] + "-1-0"},
		"another message, beside the vendor's id": {DeliveryID: notify.NewID(time.Now()) + "-0-0", Provider: "vendor", ID: "v-1"},
		"another id of the vendor":                {Provider: "vendor", ID: "v-2"},
		"the same id of another vendor":           {Provider: "other", ID: "v-1"},
	} {
		t.Run(name, func(t *testing.T) {
			r.Event = channel.Delivered
			require.ErrorIs(t, n.Receive(t.Context(), r), notify.ErrNotFound)
		})
	}
}

func TestReceiptsThatAreRefused(t *testing.T) {
	n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"sms": texting()}})
	for name, tt := range map[string]struct {
		receipt channel.Receipt
		field   string
	}{
		"without an id":                  {channel.Receipt{Event: channel.Sent}, "id"},
		"with an id of the host":         {channel.Receipt{Event: channel.Sent, DeliveryID: "order-7"}, "id"},
		"without an event":               {channel.Receipt{Provider: "vendor", ID: "v-1"}, "event"},
		"with an unknown event":          {channel.Receipt{Provider: "vendor", ID: "v-1", Event: "eaten"}, "event"},
		"with a NUL in the id":           {channel.Receipt{Provider: "vendor", ID: "v\x00", Event: channel.Sent}, "id"},
		"with a vendor of invalid UTF-8": {channel.Receipt{Provider: "\xff", ID: "v-1", Event: channel.Sent}, "provider"},
		"with a long id":                 {channel.Receipt{ID: string(make([]byte, 300)), Event: channel.Sent}, "id"},
	} {
		t.Run(name, func(t *testing.T) { requireField(t, tt.field, n.Receive(t.Context(), tt.receipt)) })
	}
}

func TestReceiveNeedsAStoreAndAnOpenNotifier(t *testing.T) {
	r := channel.Receipt{Provider: "vendor", ID: "v-1", Event: channel.Delivered}
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"sms": texting()}})
	require.ErrorIs(t, n.Receive(t.Context(), r), notify.ErrNeedsStore)
	require.NoError(t, n.Close(t.Context()))
	require.ErrorIs(t, n.Receive(t.Context(), r), notify.ErrClosed)
}

func TestALongIDOfAVendorsIsKnown(t *testing.T) {
	long := strings.Repeat("x", 900)
	d := &driver{kind: channel.Phone, send: func(context.Context, channel.Delivery) (channel.Receipt, error) {
		return channel.Receipt{Provider: "vendor", ID: long}, nil
	}}
	n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"sms": d}})
	sent(t, n, text("+15005550006"))
	require.NoError(t, n.Receive(t.Context(), channel.Receipt{Provider: "vendor", ID: long, Event: channel.Delivered}))
}

func TestATimeThatCannotBeIsNone(t *testing.T) {
	for _, at := range []time.Time{in(time.Hour), time.Unix(-1, 0), {}} {
		n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"sms": texting()}})
		o := sent(t, n, text("+15005550006")).Deliveries[0]
		require.NoError(t, n.Receive(t.Context(), channel.Receipt{DeliveryID: o.ID, Event: channel.Delivered, At: at}))
		report := reported(t, n, o.ID[:36])
		require.WithinDuration(t, time.Now(), report.Deliveries[0].At, time.Minute)
	}
}

func TestAReceiptIsToldAndWakesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told transitionLog
		d := &driver{kind: channel.Phone, answers: []error{channel.Temporary}}
		n := newNotifier(t, notify.Config{
			Store: memory.New(), Channels: notify.Channels{"sms": d}, OnTransition: told.add,
			Policies: map[string]notify.Policy{"": {Backoff: time.Hour}},
		})
		r := accept(t, n, text("+15005550006"))
		done := make(chan notify.Report)
		go func() {
			r, _ := n.Wait(t.Context(), r.ID)
			done <- r
		}()
		synctest.Wait()
		require.NoError(t, n.Receive(t.Context(), channel.Receipt{DeliveryID: r.Deliveries[0].ID, Event: channel.Read, Code: "17"}))
		require.Equal(t, notify.Read, (<-done).Deliveries[0].Status)

		last := told.all[len(told.all)-1]
		require.Equal(t, notify.Transition{
			Event: notify.TransitionReceived, Delivery: "a delivery", Channel: "sms", Class: notify.Transactional, Status: notify.Read,
		}, last)
		count := len(told.all)
		require.NoError(t, n.Receive(t.Context(), channel.Receipt{DeliveryID: r.Deliveries[0].ID, Event: channel.Delivered}))
		require.Len(t, told.all, count, "the receipt changes nothing")
	})
}

func TestAReceiptWakesThePeersOfItsGroup(t *testing.T) {
	for event, want := range map[channel.Event]notify.Status{channel.Bounced: notify.Sent, channel.Delivered: notify.Suppressed} {
		t.Run(string(event), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNotifier(t, notify.Config{
					Store: memory.New(), Channels: notify.Channels{"sms": texting(), "pager": &driver{}}, Engine: notify.Engine{Poll: time.Minute},
					Dispatchers: map[string]notify.Dispatcher{"patient": notify.First(notify.Delivered, 30*time.Minute)},
				})
				m := text("+15005550006")
				m.To[0].Addresses["pager"] = []string{"7"}
				m.Channels, m.Dispatcher = []string{"sms", "pager"}, "patient"
				stop := running(t, n)
				defer stop()
				r := accept(t, n, m)
				time.Sleep(5 * time.Minute)
				begun := time.Now()
				require.NoError(t, n.Receive(t.Context(), channel.Receipt{DeliveryID: r.Deliveries[0].ID, Event: event}))
				r = settled(t, n, r.ID)
				require.Equal(t, want, r.Deliveries[1].Status)
				require.Less(t, time.Since(begun), 10*time.Second)
			})
		})
	}
}

func TestAReceiptThatTheStoreDoesNotTakeIsToComeAgain(t *testing.T) {
	st := newFakeStore(memory.New())
	n := newNotifier(t, notify.Config{Store: st, Channels: notify.Channels{"sms": texting()}})
	o := sent(t, n, text("+15005550006")).Deliveries[0]
	dead := channel.Receipt{DeliveryID: o.ID, Event: channel.Bounced, Kind: channel.InvalidRecipient}

	st.fail(errStore, recordReceipts)
	require.ErrorIs(t, n.Receive(t.Context(), dead), errStore)
	st.fail(errStore, saveSuppressions)
	require.ErrorIs(t, n.Receive(t.Context(), dead), errStore, "the suppression is not saved yet")
	st.recover()
	require.NoError(t, n.Receive(t.Context(), dead))
	require.Equal(t, notify.Suppressed, sent(t, n, text("+15005550006")).Deliveries[0].Status)
}

func TestAForgedIDIsNoTroubleForTheStore(t *testing.T) {
	n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"sms": texting()}})
	o := sent(t, n, text("+15005550006")).Deliveries[0]
	for _, end := range []string{"-2147483648-0", "-0-2147483648", "-9223372036854775807-0"} { // too large for a column
		r := channel.Receipt{DeliveryID: o.ID[:36] + end, Event: channel.Delivered}
		requireField(t, "id", n.Receive(t.Context(), r))
	}
	require.ErrorIs(t, n.Receive(t.Context(), channel.Receipt{DeliveryID: o.ID[:36] + "-2147483647-0", Event: channel.Read}), notify.ErrNotFound)
}

func TestARepeatedReceiptIsToldOnce(t *testing.T) {
	for name, event := range map[string]channel.Event{"delivered": channel.Delivered, "read": channel.Read, "bounced": channel.Bounced} {
		t.Run(name, func(t *testing.T) {
			var told transitionLog
			n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"sms": texting()}, OnTransition: told.add})
			o := sent(t, n, text("+15005550006")).Deliveries[0]
			for range 3 {
				require.NoError(t, n.Receive(t.Context(), channel.Receipt{DeliveryID: o.ID, Event: event}))
			}
			require.Equal(t, 1, told.count(notify.TransitionReceived))
		})
	}
}

func TestWhatAReceiptSettlesIsToldToTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []notify.Outcome
		d := &driver{kind: channel.Phone, answers: []error{fails(channel.Uncertain)}}
		n := newNotifier(t, notify.Config{
			Store: memory.New(), Channels: notify.Channels{"sms": d}, OnOutcome: func(o notify.Outcome) { told = append(told, o) },
			Policies: map[string]notify.Policy{"": {Backoff: time.Hour}},
		})
		stop := running(t, n)
		r := accept(t, n, text("+15005550006"))
		time.Sleep(time.Second)
		require.Empty(t, told, "after an uncertain answer, the delivery waits for a retry")
		read := channel.Receipt{DeliveryID: r.Deliveries[0].ID, Event: channel.Read}
		require.NoError(t, n.Receive(t.Context(), read))
		require.NoError(t, n.Receive(t.Context(), read))
		time.Sleep(2 * time.Hour)
		stop()
		require.Len(t, told, 1)
		require.Equal(t, notify.Read, told[0].Status)
		require.True(t, told[0].Reached)
		require.Equal(t, 1, d.calls())
	})
}

// The store reads the progress of a group after the claim.
func TestAReceiptBeforeTheGroupIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		var n *notify.Notifier
		st.onLease(func(ds []store.Leased) {
			for _, d := range ds {
				require.NoError(t, n.Receive(t.Context(), channel.Receipt{DeliveryID: notify.DeliveryID(d.DeliveryRef), Event: channel.Read}))
				for i := range d.Group {
					d.Group[i].Status = notify.Read
				}
			}
		})
		var log bytes.Buffer
		pager := &driver{}
		n = newNotifier(t, notify.Config{
			Store: st, Channels: notify.Channels{"pager": pager, "mail": pager}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		m := hello("pager", "mail")
		m.Dispatcher = "first"
		require.Equal(t, []notify.Status{notify.Read, notify.Read}, statuses(sent(t, n, m)))
		require.Zero(t, pager.calls())
		require.Empty(t, log.String())
	})
}

func TestAClaimWithoutItsGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		claims := 0
		st.onLease(func(ds []store.Leased) {
			for i := range ds {
				if claims++; claims <= 2 { // after that, the deliveries, which are still there, can go out
					ds[i].Group = nil
				}
			}
		})
		n := newNotifier(t, notify.Config{Store: st, Channels: notify.Channels{"pager": &driver{}, "mail": &driver{}}})
		m := hello("pager", "mail")
		m.Dispatcher = "first"
		require.Equal(t, []notify.Status{notify.Sent, notify.Suppressed}, statuses(sent(t, n, m)))
		require.Greater(t, claims, 2)
	})
}
