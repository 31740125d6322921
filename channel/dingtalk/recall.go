package dingtalk

import (
	"context"
	"fmt"
)

type recallRequest struct {
	Agent int64 `json:"agent_id"`
	Task  int64 `json:"msg_task_id"`
}

// Recall withdraws a notification: DingTalk removes it from the user's device, read or unread. task is the ID of a receipt that is at
// most 24 hours old. Errors have the kinds of [Work.Send] and concern the recall, not the notification. After [channel.Uncertain], the
// notification may be withdrawn already; a repeated Recall is harmless.
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
