//go:build !nosqlite

package fault_test

import _ "modernc.org/sqlite" // slow to build, and so left out of the program that the clock test builds
