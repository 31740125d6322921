//go:build !linux

package faulttest

import (
	"os"
	"os/exec"
)

func dieWithParent(*exec.Cmd)    {} // a Process ends when its standard input does
func killTree(p *os.Process)     { _ = p.Kill() }
func asDaemon(*exec.Cmd)         {}
func ownedByDaemon(string) error { return nil }
