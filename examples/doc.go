// Package examples holds programs to read, run and copy from. Start with quickstart.
package examples
