module github.com/e7ddda3c/notify/bench

go 1.26.0

require github.com/e7ddda3c/notify v0.0.0

replace github.com/e7ddda3c/notify => ..
