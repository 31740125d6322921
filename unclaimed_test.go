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

func TestWhatNobodyClaimsIsLogged(t *testing.T) {
	tests := map[string]struct {
		skew   time.Duration // of AcceptedAt: most databases read the clock anew for each statement
		paused bool
		want   int
	}{
		"a store that reads its clock twice": {skew: -time.Millisecond, want: 1},
		"a channel that is paused":           {paused: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newFakeStore(memory.New())
				st.list = func(ctx context.Context, q store.MessageQuery) (store.MessagePage, error) {
					page, err := st.Store.ListMessages(ctx, q)
					for i := range page.Messages {
						page.Messages[i].Message.AcceptedAt = page.Messages[i].Message.AcceptedAt.Add(tt.skew)
					}
					return page, err
				}
				var out bytes.Buffer
				n := newNotifier(t, notify.Config{
					Store: st, Channels: notify.Channels{"pager": &driver{}}, Logger: slog.New(slog.NewTextHandler(&out, nil)),
				})
				accept(t, n, hello("pager"))
				if tt.paused {
					p := store.Pause{Channel: "pager", Failure: store.Failure{Kind: "misconfigured"}}
					require.NoError(t, st.SavePause(t.Context(), p, time.Hour))
				}
				pass(61 * time.Second)
				require.Equal(t, tt.want, bytes.Count(out.Bytes(), []byte("level=WARN")), out.String())
			})
		})
	}
}
