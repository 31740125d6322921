package notify_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

// slowly is a store that takes the time anew for each of its statements, as most databases do.
type slowly struct{ *memory.Store }

func (s slowly) ListMessages(ctx context.Context, q store.MessageQuery) (store.MessagePage, error) {
	page, err := s.Store.ListMessages(ctx, q)
	for i := range page.Messages {
		page.Messages[i].Message.AcceptedAt = page.Messages[i].Message.AcceptedAt.Add(-time.Millisecond)
	}
	return page, err
}

func TestWhatNobodyClaimsIsLogged(t *testing.T) {
	tests := map[string]struct {
		store  store.Deliveries
		paused bool
		want   int
	}{
		"a store that took the time twice": {store: slowly{memory.New()}, want: 1},
		"a channel that is paused":         {store: memory.New(), paused: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				n, err := notify.New(notify.Config{
					Store: tt.store, Channels: notify.Channels{"pager": &driver{}}, Logger: slog.New(slog.NewTextHandler(&out, nil)),
				})
				require.NoError(t, err)
				accept(t, n, hello("pager"))
				if tt.paused {
					p := store.Pause{Channel: "pager", Failure: store.Failure{Kind: "misconfigured"}}
					require.NoError(t, tt.store.(store.Pauses).SavePause(t.Context(), p, time.Hour))
				}
				pass(61 * time.Second)
				require.Equal(t, tt.want, bytes.Count(out.Bytes(), []byte("level=WARN")), out.String())
				require.NoError(t, n.Close(t.Context()))
			})
		})
	}
}
