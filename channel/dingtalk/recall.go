package dingtalk

import (
	"context"
	"fmt"
)

type recallRequest struct {
	Agent int64 `json:"agent_id"`
	Task  int64 `json:"msg_task_id"`
}

// Recall takes a notification back: it vanishes from the user's device, read or not. task is the ID of a receipt not older than 24
// hours. Errors are those of [Work.Send], for the recall and not for the notification; after [channel.Uncertain] it may be gone, and
// recalling it again does no harm.
func (w *Work) Recall(ctx context.Context, task string) error {
	id, err := taskID(task)
	if err == nil {
		err = w.call(ctx, "recall", recallRequest{Agent: w.agent, Task: id}, new(struct{}))
	}
	if err != nil {
		return fmt.Errorf("dingtalk: %w", err)
	}
	return nil
}
