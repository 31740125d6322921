package websocket

// A Target selects connections. Names are compared exactly, and each tenant has its own users and rooms.
type Target struct {
	scope  scope
	tenant string
	name   string
}

type scope uint8

const (
	inEveryone scope = iota
	inTenant
	inUser
	inRoom
	scopes
)

// User selects every connection of one user.
func User(tenant, user string) Target { return Target{inUser, tenant, user} }

// Room selects the connections that have joined a room of a tenant, by [Conn.Join] or [Hub.Join].
func Room(tenant, name string) Target { return Target{inRoom, tenant, name} }

// Tenant selects every connection of one tenant. In a host without tenants, Tenant("") selects everyone.
func Tenant(tenant string) Target { return Target{inTenant, tenant, ""} }

// Everyone selects every connection of every tenant. It is the zero Target.
func Everyone() Target { return Target{} }

// An index maps each target to its connections. Guarded by the hub's lock.
type index struct {
	sets  map[Target]map[*Conn]struct{}
	sizes [scopes]int // the number of targets with a connection, by scope
}

// add adds c to the connections of t and reports whether c is new there.
func (x *index) add(t Target, c *Conn) bool {
	set := x.sets[t]
	if set == nil {
		set = make(map[*Conn]struct{})
		x.sets[t] = set
		x.sizes[t.scope]++
	}
	_, had := set[c]
	set[c] = struct{}{}
	return !had
}

// remove removes c from the connections of t and reports whether c was there.
func (x *index) remove(t Target, c *Conn) bool {
	set := x.sets[t]
	_, had := set[c]
	delete(set, c)
	if had && len(set) == 0 {
		delete(x.sets, t)
		x.sizes[t.scope]--
	}
	return had
}
