package memory

import (
	"container/heap"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// A lane is a heap of live deliveries, the longest due on top.
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
	l[i].index, l[j].index = i, j
}

// Push implements [heap.Interface].
func (l *lane) Push(x any) {
	d := x.(*delivery)
	d.index = len(*l)
	*l = append(*l, d)
}

// Pop implements [heap.Interface].
func (l *lane) Pop() any {
	last := len(*l) - 1
	d := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	d.index = -1
	return d
}

// top returns the due time of l's next delivery, if there is one.
func (l *lane) top() (time.Time, bool) {
	if l == nil || len(*l) == 0 {
		return time.Time{}, false
	}
	return (*l)[0].Due, true
}

// setDue sets the due time of the live delivery d.
func (s *Store) setDue(d *delivery, t time.Time) {
	l := s.lane(d.Lane)
	d.Due = t
	if d.index < 0 {
		heap.Push(l, d)
	} else {
		heap.Fix(l, d.index)
	}
}

// dequeue removes the settled delivery d from its lane.
func (s *Store) dequeue(d *delivery) {
	d.Due = time.Time{}
	if d.index < 0 {
		return
	}
	l := s.lanes[d.Lane]
	heap.Remove(l, d.index)
	if len(*l) == 0 {
		delete(s.lanes, d.Lane)
	}
}

// lane returns the lane with a name, and creates it if necessary.
func (s *Store) lane(name store.Lane) *lane {
	l := s.lanes[name]
	if l == nil {
		l = &lane{}
		s.lanes[name] = l
	}
	return l
}
