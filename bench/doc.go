// Package bench measures notify beside its peers in the same run and holds the results to the bars in docs/design.md.
package bench
