package faulttest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

const bombVariable = "FAULTTEST_BOMB"

// BombAt returns a variable for [Start]: the process dies when it comes to a point for the nth time.
func BombAt(point string, nth int) string { return fmt.Sprintf("%s=%s:%d", bombVariable, point, nth) }

// A Bomb kills its own process, as kill -9 does, at a named point.
type Bomb struct {
	mu    sync.Mutex
	point string
	left  int
}

// NewBomb returns the bomb of this process: as [BombAt] said, or a dud.
func NewBomb() *Bomb {
	point, count, _ := strings.Cut(os.Getenv(bombVariable), ":")
	left, _ := strconv.Atoi(count)
	return &Bomb{point: point, left: left}
}

// At says that the process is at a point. It does not return if this is where it dies.
func (b *Bomb) At(point string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if point != b.point {
		return
	}
	if b.left--; b.left != 0 {
		return
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}
