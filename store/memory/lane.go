package memory

import (
	"container/heap"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// A lane holds its live deliveries as a heap, the longest due one on top.
type lane []*delivery

func (l lane) Len() int { return len(l) }

func (l lane) Less(i, j int) bool {
	if c := l[i].Due.Compare(l[j].Due); c != 0 {
		return c < 0
	}
	return l[i].seq < l[j].seq
}

func (l lane) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].place, l[j].place = i, j
}

// Push is for package heap.
func (l *lane) Push(x any) {
	d := x.(*delivery)
	d.place = len(*l)
	*l = append(*l, d)
}

// Pop is for package heap.
func (l *lane) Pop() any {
	last := len(*l) - 1
	d := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	d.place = -1
	return d
}

// top is when l's next delivery is due.
func (l *lane) top() (time.Time, bool) {
	if l == nil || len(*l) == 0 {
		return time.Time{}, false
	}
	return (*l)[0].Due, true
}

// due makes the live delivery d due at t.
func (s *Store) due(d *delivery, t time.Time) {
	l := s.lane(d.Lane)
	d.Due = t
	if d.place < 0 {
		heap.Push(l, d)
	} else {
		heap.Fix(l, d.place)
	}
}

// rest takes d, which is settled, out of its lane.
func (s *Store) rest(d *delivery) {
	d.Due = time.Time{}
	if d.place < 0 {
		return
	}
	l := s.lanes[d.Lane]
	heap.Remove(l, d.place)
	if len(*l) == 0 {
		delete(s.lanes, d.Lane)
	}
}

func (s *Store) lane(name store.Lane) *lane {
	l := s.lanes[name]
	if l == nil {
		l = &lane{}
		s.lanes[name] = l
	}
	return l
}
