package notify_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
	"github.com/e7ddda3c/notify/template"
)

// daily returns a valid schedule.
func daily() notify.Schedule {
	m := notify.Message{To: notify.To("email", "ann@example.com"), Channels: []string{"email"}, Content: notify.Content{Text: "hello"}}
	return notify.Schedule{Name: "daily", Cron: "0 9 * * *", TimeZone: "Asia/Shanghai", Message: m}
}

func TestScheduleRefusesWhatSendWouldRefuse(t *testing.T) {
	tests := map[string]struct {
		change func(*notify.Schedule)
		field  string
		is     error
	}{
		"no name":                   {func(s *notify.Schedule) { s.Name = "" }, "name", nil},
		"a name of two lines":       {func(s *notify.Schedule) { s.Name = "a\nb" }, "name", nil},
		"a long name":               {func(s *notify.Schedule) { s.Name = string(make([]byte, 201)) }, "name", nil},
		"a long tenant":             {func(s *notify.Schedule) { s.Tenant = string(make([]byte, 300)) }, "tenant", nil},
		"no cron":                   {func(s *notify.Schedule) { s.Cron = "" }, "cron", nil},
		"a bad cron":                {func(s *notify.Schedule) { s.Cron = "0 25 * * *" }, "cron", nil},
		"30 February":               {func(s *notify.Schedule) { s.Cron = "0 0 30 2 *" }, "cron", nil},
		"a bad time zone":           {func(s *notify.Schedule) { s.TimeZone = "Mars/Base" }, "time_zone", nil},
		"the time zone Local":       {func(s *notify.Schedule) { s.TimeZone = "Local" }, "time_zone", nil},
		"a negative expiry":         {func(s *notify.Schedule) { s.ExpireAfter = -1 }, "expire_after_ns", nil},
		"a key":                     {func(s *notify.Schedule) { s.Message.Key = "k" }, "message.key", nil},
		"a time":                    {func(s *notify.Schedule) { s.Message.SendAt = in(time.Hour) }, "message.send_at", nil},
		"an expiry":                 {func(s *notify.Schedule) { s.Message.ExpireAt = in(time.Hour) }, "message.expire_at", nil},
		"another tenant":            {func(s *notify.Schedule) { s.Message.Tenant = "other" }, "message.tenant", nil},
		"an unknown channel":        {func(s *notify.Schedule) { s.Message.Channels = []string{"fax"} }, "message.channels[0]", nil},
		"a repeated id":             {func(s *notify.Schedule) { s.Message.To = notify.Users("a", "a") }, "message.to[1].id", nil},
		"a failing directory":       {func(s *notify.Schedule) { s.Message.To = notify.Users("a") }, "message.to", errDown},
		"both content and template": {func(s *notify.Schedule) { s.Message.Template = "known" }, "message.content", nil},
		"an unknown template": {func(s *notify.Schedule) { s.Message.Content = notify.Content{}; s.Message.Template = "nope" },
			"message.template", template.ErrNoTemplate},
		"a recipient's data without JSON": {func(s *notify.Schedule) { s.Message.To[0].Data = map[string]any{"f": func() {}} }, "message", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n := newNotifier(t, notify.Config{
				Channels:  notify.Channels{"email": &driver{}},
				Templates: rendererFunc(renderKnown), Directory: directoryFunc(downDirectory), Store: memory.New(),
			})
			s := daily()
			require.NoError(t, n.Schedule(t.Context(), s), "the schedule is valid before the change")
			s.Name = "changed"
			tt.change(&s)
			err := n.Schedule(t.Context(), s)
			var f *notify.FieldError
			require.ErrorAs(t, err, &f)
			require.Equal(t, tt.field, f.Field)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			all, err := n.Schedules(t.Context(), "")
			require.NoError(t, err)
			require.Len(t, all, 1, "the invalid schedule was stored")
		})
	}
}

func TestSchedulesNeedAStoreThatKeepsThem(t *testing.T) {
	for name, st := range map[string]store.Deliveries{"none": nil, "one without": deliveriesOnly{memory.New()}} {
		t.Run(name, func(t *testing.T) {
			n := newNotifier(t, notify.Config{Channels: notify.Channels{"email": &driver{}}, Store: st})
			var f *notify.FieldError
			require.ErrorAs(t, n.Schedule(t.Context(), daily()), &f)
			require.Equal(t, "store", f.Field)
			require.ErrorIs(t, f, notify.ErrNeedsStore)
			_, err := n.Unschedule(t.Context(), "", "daily")
			require.ErrorIs(t, err, notify.ErrNeedsStore)
			_, err = n.Schedules(t.Context(), "")
			require.ErrorIs(t, err, notify.ErrNeedsStore)
		})
	}
}

func TestSchedulesComeBackAsTheyWereStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"email": &driver{}}, Templates: rendererFunc(renderKnown), Store: st})
		s := notify.Schedule{Tenant: "shop", Name: "b", Cron: " 0  9 * * * ", ExpireAfter: time.Hour, Message: notify.Message{
			To: notify.To("email", "ann@example.com"), Channels: []string{"email"}, Template: "known",
			Data: map[string]any{"name": "Ann", "order": int64(9007199254740993)},
		}}
		require.NoError(t, n.Schedule(t.Context(), s))
		other := daily()
		other.Tenant, other.Name = "shop", "a"
		require.NoError(t, n.Schedule(t.Context(), other))
		require.NoError(t, n.Schedule(t.Context(), daily()))

		all, err := n.Schedules(t.Context(), "shop")
		require.NoError(t, err)
		require.Len(t, all, 2)
		require.Equal(t, "a", all[0].Name)
		require.Equal(t, time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC), all[0].NextAt)
		require.Equal(t, "shop", all[1].Message.Tenant)
		require.Equal(t, "0 9 * * *", all[1].Cron)
		require.Equal(t, "UTC", all[1].TimeZone)
		require.Equal(t, time.Hour, all[1].ExpireAfter)
		require.Equal(t, time.Date(2000, 1, 1, 9, 0, 0, 0, time.UTC), all[1].NextAt)
		data, err := template.Decode(all[1].Message.Data)
		require.NoError(t, err)
		require.Equal(t, map[string]any{"name": "Ann", "order": int64(9007199254740993)}, data)
		require.NoError(t, n.Schedule(t.Context(), all[1]), "a schedule that was read can be stored again")

		found, err := n.Unschedule(t.Context(), "", "b")
		require.NoError(t, err)
		require.False(t, found, "the schedule is another tenant's")
		found, err = n.Unschedule(t.Context(), "shop", "b")
		require.NoError(t, err)
		require.True(t, found)
	})
}

func TestScheduleTellsOfTheStore(t *testing.T) {
	st := newFakeStore(memory.New())
	st.fail(errStore, dueSchedules)
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"email": &driver{}}, Store: st})
	require.ErrorIs(t, n.Schedule(t.Context(), daily()), errStore)

	n = newNotifier(t, notify.Config{Channels: notify.Channels{"email": &driver{}}, Store: memory.New()})
	require.NoError(t, n.Close(t.Context()))
	require.ErrorIs(t, n.Schedule(t.Context(), daily()), notify.ErrClosed)
}

func TestAStoreThatPanicsFailsTheCall(t *testing.T) {
	st := newFakeStore(memory.New())
	st.before(func(context.Context) error { panic(private) }, dueSchedules, deleteSchedule, listSchedules, deletePause)
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"email": &driver{}}, Store: st})
	_, unschedule := n.Unschedule(t.Context(), "", "daily")
	_, list := n.Schedules(t.Context(), "")
	_, resume := n.Resume(t.Context(), "email")
	for _, err := range []error{n.Schedule(t.Context(), daily()), unschedule, list, resume} {
		require.ErrorContains(t, err, "notify: the store: store panicked")
		require.NotContains(t, err.Error(), private)
	}
}
