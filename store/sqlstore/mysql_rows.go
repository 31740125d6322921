package sqlstore

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/e7ddda3c/notify/store"
)

// name and long are types of columns in a table of JSON.
const (
	name = "varchar(1000) character set utf8mb4"
	long = "mediumtext character set utf8mb4"
)

// table is rows of parameters, as one parameter, as a table v with columns such as "claim bigint". The text is taken as its bytes, since
// a connection may say that they are of another character set.
func table(columns ...string) string {
	for i, c := range columns {
		columns[i] = c + " path '$[" + strconv.Itoa(i) + "]'"
	}
	return "json_table(convert(cast(? as binary) using utf8mb4), '$[*]' columns (" + strings.Join(columns, ", ") + ")) v"
}

// byKey is a table that begins with the keys of deliveries, joined with these.
func byKey(columns ...string) string {
	return table(append([]string{"message char(32)", "recipient int", "place int"}, columns...)...) +
		" straight_join {deliveries} d on d.message = unhex(v.message) and d.recipient = v.recipient and d.place = v.place"
}

// rowsOf are rows for a table, the delivery's key first.
type rowsOf [][]any

func (r *rowsOf) add(ref store.DeliveryRef, more ...any) {
	*r = append(*r, append([]any{strings.ReplaceAll(ref.MessageID, "-", ""), ref.Recipient, ref.Place}, more...))
}

func (r rowsOf) json() string {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // there are only texts, numbers and truths in it
	}
	return string(b)
}
