package sqlstore

import (
	"fmt"

	"github.com/e7ddda3c/notify/store"
)

// checkMessages refuses messages that a database would refuse or truncate.
func checkMessages(ms []store.NewMessage) error {
	for i := range ms {
		if err := checkMessage(&ms[i]); err != nil {
			return fmt.Errorf("sqlstore: %w", err)
		}
	}
	return nil
}

func checkMessage(m *store.NewMessage) error {
	if _, ok := parse(m.ID); !ok {
		return fmt.Errorf("the id of a message must be a UUID with hyphens and lowercase letters, not %q", m.ID)
	}
	if err := checkLengths(fields{{"tenant", m.Tenant}, {"key", m.Key}, {"dispatcher", m.Dispatcher}, {"category", m.Category}, {"class", m.Class},
		{"template", m.Template}}); err != nil {
		return err
	}
	type place struct{ recipient, place int }
	taken := make(map[place]bool, len(m.Deliveries))
	for i := range m.Deliveries {
		d := &m.Deliveries[i]
		if err := checkLengths(fields{{"lane", string(d.Lane)}, {"user", d.User}, {"locale", d.Locale}, {"reason", string(d.Reason)}}); err != nil {
			return err
		}
		if len(d.To) > maxAddress {
			return fmt.Errorf("an address must have at most %d bytes, and has %d", maxAddress, len(d.To))
		}
		p := place{d.Recipient, d.Place}
		if taken[p] {
			return fmt.Errorf("places of a recipient's deliveries must be distinct: message %s, recipient %d, place %d", m.ID, d.Recipient, d.Place)
		}
		taken[p] = true
	}
	return nil
}

// maxName and maxAddress are the sizes of the columns in bytes. Some databases would truncate a longer value.
const maxName, maxAddress = 1000, 4096

// fields are names and values, for checkLengths.
type fields [][2]string

// checkLengths refuses values longer than maxName.
func checkLengths(all fields) error {
	for _, n := range all {
		if len(n[1]) > maxName {
			return fmt.Errorf("the %s must have at most %d bytes, and has %d", n[0], maxName, len(n[1]))
		}
	}
	return nil
}
