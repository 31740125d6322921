package channel_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
)

// A driver implements every optional interface.
type driver struct{ closed string }

func (*driver) Send(context.Context, channel.Delivery) (channel.Receipt, error) {
	return channel.Receipt{}, nil
}
func (*driver) Valid() error                    { return io.EOF }
func (*driver) Validate(channel.Delivery) error { return channel.Rejected }
func (*driver) AddressKind() string             { return channel.Phone }
func (*driver) Limits() channel.Limits          { return channel.Limits{Rate: 7} }
func (d *driver) Close(context.Context) error   { d.closed = "drained"; return nil }

// A plain wrapper implements no optional interface itself.
type plain struct{ channel.Channel }

func (p plain) Unwrap() channel.Channel { return p.Channel }

// A strict wrapper overrides the Validate of the wrapped channel.
type strict struct{ plain }

func (strict) Validate(channel.Delivery) error { return channel.InvalidRecipient }

// A shut is an io.Closer.
type shut struct {
	plain
	closed bool
}

func (s *shut) Close() error { s.closed = true; return io.ErrClosedPipe }

func send(context.Context, channel.Delivery) (channel.Receipt, error) {
	return channel.Receipt{}, errors.New("func")
}

func TestAsLooksThroughWrappers(t *testing.T) {
	d := &driver{}
	for _, c := range []channel.Channel{d, plain{d}, plain{plain{d}}} {
		got, ok := channel.As[*driver](c)
		require.True(t, ok)
		require.Same(t, d, got)
		require.ErrorIs(t, channel.Valid(c), io.EOF)
		require.ErrorIs(t, channel.Validate(c, channel.Delivery{}), channel.Rejected)
		require.Equal(t, channel.Phone, channel.AddressKind(c))
		require.Equal(t, channel.Limits{Rate: 7}, channel.LimitsOf(c))
	}
}

func TestAsPrefersTheOutermost(t *testing.T) {
	require.ErrorIs(t, channel.Validate(plain{strict{plain{&driver{}}}}, channel.Delivery{}), channel.InvalidRecipient)
}

func TestAChannelWithoutDeclarationsAcceptsEverything(t *testing.T) {
	for _, c := range []channel.Channel{nil, channel.Func(send), plain{channel.Func(send)}, plain{nil}} {
		_, ok := channel.As[channel.Validator](c)
		require.False(t, ok)
		require.NoError(t, channel.Valid(c))
		require.NoError(t, channel.Validate(c, channel.Delivery{}))
		require.Empty(t, channel.AddressKind(c))
		require.Zero(t, channel.LimitsOf(c))
		require.NoError(t, channel.Close(t.Context(), c))
	}
}

func TestCloseTakesTheOutermostCloser(t *testing.T) {
	d := &driver{}
	outer := &shut{plain: plain{d}}
	require.ErrorIs(t, channel.Close(t.Context(), plain{outer}), io.ErrClosedPipe)
	require.True(t, outer.closed)
	require.Empty(t, d.closed)

	require.NoError(t, channel.Close(t.Context(), plain{d}))
	require.Equal(t, "drained", d.closed)
}

func TestFuncIsAChannel(t *testing.T) {
	_, err := channel.Func(send).Send(t.Context(), channel.Delivery{})
	require.EqualError(t, err, "func")
}
