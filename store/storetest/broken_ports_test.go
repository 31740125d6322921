package storetest_test

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// brokenPorts holds stores with faults in the optional ports.
var brokenPorts = table{
	"loses the body of schedules": {rule: "schedule/schedules are kept", open: schedules(bentSchedules{
		save: func(b *bent, x store.Schedule) { x.Body = nil; _ = b.SaveSchedule(context.Background(), x) }})},
	"resets NextAt": {rule: "schedule/NextAt stays", open: schedules(bentSchedules{save: func(b *bent, x store.Schedule) {
		_, _ = b.DeleteSchedule(context.Background(), x.Tenant, x.Name)
		_ = b.SaveSchedule(context.Background(), x)
	}})},
	"ignores the limit of due schedules": {rule: "schedule/due schedules", open: schedules(bentSchedules{all: true})},
	"always advances":                    {rule: "schedule/advance", open: schedules(bentSchedules{always: true})},
	"always reports a schedule":          {rule: "schedule/delete a schedule", open: schedules(bentSchedules{always: true})},
	"ignores the context of schedules":   {rule: "schedule/schedules and an ended context", open: schedules(bentSchedules{always: true})},

	"loses the failure of a pause":  {rule: "pause/pauses", open: pauses(bentPauses{silent: true})},
	"shortens pauses":               {rule: "pause/never shortened", open: pauses(bentPauses{latest: true})},
	"pauses forever":                {rule: "pause/pauses end", open: pauses(bentPauses{forever: true})},
	"always reports a pause":        {rule: "pause/delete a pause", open: pauses(bentPauses{always: true})},
	"ignores the context of pauses": {rule: "pause/pauses and an ended context", open: pauses(bentPauses{always: true})},

	"ignores the kind":                    {rule: "suppression/suppressions", open: suppressions(bentSuppressions{kindless: true})},
	"ignores empty addresses":             {rule: "suppression/no address", open: suppressions(bentSuppressions{lenient: true})},
	"overwrites suppressions":             {rule: "suppression/stored once", open: suppressions(bentSuppressions{latest: true})},
	"keeps the first Suppressed":          {rule: "suppression/current", open: suppressions(bentSuppressions{first: map[store.DeliveryRef]store.Reason{}})},
	"stores at most a hundred":            {rule: "suppression/many suppressions", open: suppressions(bentSuppressions{most: 100})},
	"always reports a suppression":        {rule: "suppression/delete a suppression", open: suppressions(bentSuppressions{always: true})},
	"ignores the context of suppressions": {rule: "suppression/suppressions and an ended context", open: suppressions(bentSuppressions{always: true})},
}

func schedules(b bentSchedules) func() store.Deliveries {
	return func() store.Deliveries { b.bent = straight(); return &b }
}

func pauses(b bentPauses) func() store.Deliveries {
	return func() store.Deliveries { b.bent = straight(); return &b }
}

func suppressions(b bentSuppressions) func() store.Deliveries {
	return func() store.Deliveries { b.bent = straight(); return &b }
}

type bentSchedules struct {
	*bent
	save        func(*bent, store.Schedule)
	all, always bool
}

func (b *bentSchedules) SaveSchedule(ctx context.Context, x store.Schedule) error {
	if b.save == nil {
		return b.bent.SaveSchedule(ctx, x)
	}
	b.save(b.bent, x)
	return nil
}

func (b *bentSchedules) DueSchedules(ctx context.Context, limit int) ([]store.Schedule, time.Time, time.Time, error) {
	if b.all {
		limit = 1000
	}
	return b.bent.DueSchedules(ctx, limit)
}

func (b *bentSchedules) AdvanceSchedule(ctx context.Context, tenant, name string, from, to time.Time) (bool, error) {
	if !b.always {
		return b.bent.AdvanceSchedule(ctx, tenant, name, from, to)
	}
	_, err := b.bent.AdvanceSchedule(context.WithoutCancel(ctx), tenant, name, from, to)
	return true, err
}

func (b *bentSchedules) DeleteSchedule(ctx context.Context, tenant, name string) (bool, error) {
	was, err := b.bent.DeleteSchedule(ctx, tenant, name)
	return was || b.always, err
}

type bentPauses struct {
	*bent
	silent, latest, forever, always bool
}

func (b *bentPauses) SavePause(ctx context.Context, p store.Pause, length time.Duration) error {
	if b.silent {
		p.Failure = store.Failure{}
	}
	if b.latest {
		_, _ = b.bent.DeletePause(ctx, p.Channel)
	}
	if b.forever {
		length = time.Hour
	}
	return b.bent.SavePause(ctx, p, length)
}

func (b *bentPauses) DeletePause(ctx context.Context, channel string) (bool, error) {
	if !b.always {
		return b.bent.DeletePause(ctx, channel)
	}
	_, err := b.bent.DeletePause(context.WithoutCancel(ctx), channel)
	return true, err
}

type bentSuppressions struct {
	*bent
	kindless, lenient, latest, always bool
	most                              int
	first                             map[store.DeliveryRef]store.Reason
}

func (b *bentSuppressions) SaveSuppressions(ctx context.Context, xs []store.Suppression) error {
	if b.most > 0 {
		xs = xs[:min(len(xs), b.most)]
	}
	for _, x := range xs {
		if b.latest {
			_, _ = b.bent.DeleteSuppression(ctx, x.SuppressionKey)
		}
		if b.kindless {
			x.Kind = "email"
		}
		if b.lenient && x.Address == "" {
			continue
		}
		if err := b.bent.SaveSuppressions(ctx, []store.Suppression{x}); err != nil {
			return err
		}
	}
	return nil
}

func (b *bentSuppressions) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
	ls, err := b.bent.LeaseDeliveries(ctx, r)
	for i := range ls.Deliveries {
		d := &ls.Deliveries[i]
		ref := d.DeliveryRef
		ref.Claim = 0
		if why, ok := b.first[ref]; ok {
			d.Suppressed = why
		} else if b.first != nil {
			b.first[ref] = d.Suppressed
		}
	}
	return ls, err
}

func (b *bentSuppressions) DeleteSuppression(ctx context.Context, k store.SuppressionKey) (bool, error) {
	if !b.always {
		return b.bent.DeleteSuppression(ctx, k)
	}
	_, err := b.bent.DeleteSuppression(context.WithoutCancel(ctx), k)
	return true, err
}
