package notify_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/store/memory"
)

func TestATenantBesideAnyTenantIsRefused(t *testing.T) {
	n, _ := stored(t, memory.New())
	m := hello("pager")
	m.Tenant = "acme"
	kept := accept(t, n, m)
	q := notify.Query{Tenant: "other", AnyTenant: true}
	_, err := n.Cancel(t.Context(), q)
	requireField(t, "any_tenant", err)
	_, err = n.Log(t.Context(), q)
	requireField(t, "any_tenant", err)
	r := reported(t, n, kept.ID)
	require.Equal(t, []notify.Status{notify.Accepted}, statuses(r))
}

func TestAChangeThatFailsHalfwaySaysWhatItChanged(t *testing.T) {
	tests := map[string]func(cancel func()) error{
		"the store fails": func(func()) error { return errStore },
		"ctx ends":        func(cancel func()) error { cancel(); return context.Canceled },
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var told []notify.Outcome
				st := newFakeStore(memory.New())
				st.after(func(context.Context) error { return end(cancel) }, changeDeliveries)
				n := newNotifier(t, notify.Config{
					Store: st, Channels: notify.Channels{"pager": &driver{}},
					OnOutcome: func(o notify.Outcome) { told = append(told, o) },
				})
				r := accept(t, n, hello("pager"))
				count, err := n.Cancel(ctx, notify.Query{User: "ann"})
				require.Error(t, err)
				require.Equal(t, 1, count)
				require.Len(t, told, 1, "the host is told")
				require.Equal(t, r.Deliveries[0].ID, told[0].ID)
			})
		})
	}
}
