//go:build !nosqlite

package fault_test

import _ "modernc.org/sqlite" // large: what is built once more goes without
