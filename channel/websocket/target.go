package websocket

// A Target says whose connections are meant. Names are compared exactly, and no tenant's names are another's.
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

// User means every connection of one user.
func User(tenant, user string) Target { return Target{inUser, tenant, user} }

// Room means the connections that have joined a room of a tenant, by [Conn.Join] or [Hub.Join].
func Room(tenant, name string) Target { return Target{inRoom, tenant, name} }

// Tenant means every connection of one tenant. In a host without tenants that is everyone: Tenant("").
func Tenant(tenant string) Target { return Target{inTenant, tenant, ""} }

// Everyone means every connection of every tenant. It is the zero Target.
func Everyone() Target { return Target{} }

// An index finds the connections of a target without looking at any other. The Hub's lock guards it.
type index struct {
	sets  map[Target]map[*Conn]struct{}
	sizes [scopes]int // how many targets of each scope have a connection
}

// add reports whether c was not there yet.
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

// remove takes away that very connection, never another of the same user, and reports whether it was there.
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
