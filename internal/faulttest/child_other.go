//go:build !linux

package faulttest

import (
	"os"
	"os/exec"
)

func dieWithParent(*exec.Cmd)    {} // a Process sees it by its standard input
func killTree(p *os.Process)     { _ = p.Kill() }
func asDaemon(*exec.Cmd)         {}
func ownedByDaemon(string) error { return nil }
