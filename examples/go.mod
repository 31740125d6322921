module github.com/e7ddda3c/notify/examples

go 1.26.0

require github.com/e7ddda3c/notify v0.0.0

replace github.com/e7ddda3c/notify => ..
