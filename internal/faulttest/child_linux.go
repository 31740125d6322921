package faulttest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

func dieWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.SysProcAttr.Setpgid = true // an interrupt from the keyboard goes to the test only
}

// killTree kills a process and all its descendants. Each process is stopped first, so that it cannot start others.
func killTree(p *os.Process) {
	if p.Signal(syscall.SIGSTOP) != nil {
		return // the process has ended
	}
	for _, pid := range childrenOf(p.Pid) {
		if child, err := os.FindProcess(pid); err == nil {
			killTree(child)
		}
	}
	_ = p.Kill()
}

// childrenOf returns the children of a process, from /proc.
func childrenOf(pid int) []int {
	var children []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // the process has ended
		}
		_, rest, _ := bytes.Cut(b, []byte(") ")) // after the name
		var state string
		var parent int
		if _, err := fmt.Sscan(string(rest), &state, &parent); err == nil && parent == pid {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			children = append(children, child)
		}
	}
	return children
}

// asDaemon makes cmd run as the user nobody if this process runs as root, because some servers refuse to run as root.
func asDaemon(cmd *exec.Cmd) {
	if uid, gid, ok := nobody(); ok {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
}

// ownedByDaemon gives a folder to the user that asDaemon selects.
func ownedByDaemon(folder string) error {
	if uid, gid, ok := nobody(); ok {
		return os.Chown(folder, uid, gid)
	}
	return nil
}

func nobody() (uid, gid int, ok bool) { return 65534, 65534, os.Geteuid() == 0 }

// Pause suspends the process until Resume, like a machine that stalls. If the process has ended, Pause does nothing. Pause and
// Resume exist on Linux only.
func (p *Process) Pause() { _ = p.child.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume continues the process after Pause.
func (p *Process) Resume() { _ = p.child.cmd.Process.Signal(syscall.SIGCONT) }
