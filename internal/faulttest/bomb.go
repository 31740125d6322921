package faulttest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

const bombVariable = "FAULTTEST_BOMB"

// BombAt returns a variable for [Start] that makes the process kill itself when it reaches a point for the nth time.
func BombAt(point string, nth int) string { return fmt.Sprintf("%s=%s:%d", bombVariable, point, nth) }

// A Bomb kills its own process at a named point, as kill -9 does.
type Bomb struct {
	mu    sync.Mutex
	point string
	left  int
}

// NewBomb returns the bomb that a variable from [BombAt] describes. Without the variable, the bomb does nothing.
func NewBomb() *Bomb {
	point, count, _ := strings.Cut(os.Getenv(bombVariable), ":")
	left, _ := strconv.Atoi(count)
	return &Bomb{point: point, left: left}
}

// At must be called when the process reaches a point. It does not return if the bomb kills the process there.
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
