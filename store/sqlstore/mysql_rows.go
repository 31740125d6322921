package sqlstore

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/e7ddda3c/notify/store"
)

// name and long are column types for table.
const (
	name = "varchar(1000) character set utf8mb4"
	long = "mediumtext character set utf8mb4"
)

// table returns an item of a FROM clause: a table v whose rows come from one JSON parameter. A column has the form "claim bigint". The
// cast to binary makes the result independent of the connection's character set.
func table(columns ...string) string {
	for i, c := range columns {
		columns[i] = c + " path '$[" + strconv.Itoa(i) + "]'"
	}
	return "json_table(convert(cast(? as binary) using utf8mb4), '$[*]' columns (" + strings.Join(columns, ", ") + ")) v"
}

// byKey returns a table of delivery keys and further columns, joined with the deliveries d.
func byKey(columns ...string) string {
	return table(append([]string{"message char(32)", "recipient int", "place int"}, columns...)...) +
		" straight_join {deliveries} d on d.message = unhex(v.message) and d.recipient = v.recipient and d.place = v.place"
}

// rowsOf are the rows of a table. Each starts with the key of a delivery.
type rowsOf [][]any

func (r *rowsOf) add(ref store.DeliveryRef, more ...any) {
	*r = append(*r, append([]any{strings.ReplaceAll(ref.MessageID, "-", ""), ref.Recipient, ref.Place}, more...))
}

func (r rowsOf) json() string {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // cannot happen: the values are strings, numbers and bools
	}
	return string(b)
}
