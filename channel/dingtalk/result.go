package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// State is how far DingTalk has got with a task.
type State int

// The states of a task, with DingTalk's numbers.
const (
	Waiting  State = 0 // not yet begun
	Running  State = 1
	Finished State = 2 // ask for the [Result]
)

// Progress is how far DingTalk has got with a task.
type Progress struct {
	State   State
	Percent int // 0 to 100
}

// Result says what became of a task, by userid. A user in none of the lists is not settled yet.
type Result struct {
	Read      []string
	Unread    []string // on the user's device, not opened
	Failed    []string
	Invalid   []string    // no such users
	Forbidden []Forbidden // dropped by a limit
}

// Forbidden is a user for whom DingTalk dropped a notification, and why.
type Forbidden struct {
	UserID string
	// Code is DingTalk's, or "" if it gives none. 143106 and 143206: the user had an equal one today; 143105 and 143205: too many
	// today; 143103, 143104, 143203 and 143204: too many recipients in this minute; 1430002: prohibited words.
	Code  string
	Limit int64 // the limit that was exceeded; 0 if DingTalk does not say
}

type taskRequest struct {
	Agent int64 `json:"agent_id"`
	Task  int64 `json:"task_id"`
}

// Progress asks how far DingTalk has got with a task, the ID of a receipt not older than 24 hours. Errors are those of
// [Work.Send], for the question and not for the notification.
func (w *Work) Progress(ctx context.Context, task string) (Progress, error) {
	var out struct {
		Progress *struct {
			Percent number `json:"progress_in_percent"`
			State   number `json:"status"`
		} `json:"progress"`
	}
	err := w.ask(ctx, "getsendprogress", task, &out)
	if err == nil && (out.Progress == nil || !out.Progress.State.ok) {
		err = unclear()
	}
	if err != nil {
		return Progress{}, fmt.Errorf("dingtalk: %w", err)
	}
	return Progress{State: State(out.Progress.State.value), Percent: int(out.Progress.Percent.value)}, nil
}

// Result asks what became of a task, the ID of a receipt not older than 24 hours. Errors are those of [Work.Send], for the question
// and not for the notification.
func (w *Work) Result(ctx context.Context, task string) (Result, error) {
	var out struct {
		Result *sendResult `json:"send_result"`
	}
	err := w.ask(ctx, "getsendresult", task, &out)
	if err == nil && out.Result == nil {
		err = unclear()
	}
	if err != nil {
		return Result{}, fmt.Errorf("dingtalk: %w", err)
	}
	return out.Result.result(), nil
}

func (w *Work) ask(ctx context.Context, method, task string, out any) error {
	id, err := taskID(task)
	if err != nil {
		return err
	}
	return w.call(ctx, method, taskRequest{Agent: w.agent, Task: id}, out)
}

func taskID(receipt string) (int64, error) {
	id, err := strconv.ParseInt(receipt, 10, 64)
	if err != nil {
		return 0, &channel.Error{Kind: channel.Rejected, Err: errors.New("not the ID of a receipt")}
	}
	return id, nil
}

// sendResult is DingTalk's form of a [Result]. Of the two lists of forbidden users it fills either or both.
type sendResult struct {
	Read       []string `json:"read_user_id_list"`
	Unread     []string `json:"unread_user_id_list"`
	Failed     []string `json:"failed_user_id_list"`
	Invalid    []string `json:"invalid_user_id_list"`
	Forbidden  []string `json:"forbidden_user_id_list"`
	Forbiddens []struct {
		Code  number `json:"code"`
		Count number `json:"count"`
		User  string `json:"userid"`
	} `json:"forbidden_list"`
}

func (s sendResult) result() Result {
	r := Result{Read: s.Read, Unread: s.Unread, Failed: s.Failed, Invalid: s.Invalid}
	for _, f := range s.Forbiddens {
		code := ""
		if f.Code.ok {
			code = strconv.FormatInt(f.Code.value, 10)
		}
		r.Forbidden = append(r.Forbidden, Forbidden{UserID: f.User, Code: code, Limit: f.Count.value})
	}
	for _, user := range s.Forbidden {
		if !slices.ContainsFunc(r.Forbidden, func(f Forbidden) bool { return f.UserID == user }) {
			r.Forbidden = append(r.Forbidden, Forbidden{UserID: user})
		}
	}
	return r
}

// Of says what became of the notification for one user: [channel.Read], [channel.Delivered], or an [*channel.Error] that says
// whether sending it again can help. No event and no error means that it is not settled yet.
func (r Result) Of(userID string) (channel.Event, error) {
	switch {
	case slices.Contains(r.Read, userID):
		return channel.Read, nil
	case slices.Contains(r.Unread, userID):
		return channel.Delivered, nil
	case slices.Contains(r.Invalid, userID):
		return "", &channel.Error{Kind: channel.InvalidRecipient, Err: errors.New("dingtalk: there is no such user")}
	case slices.Contains(r.Failed, userID):
		return "", &channel.Error{Kind: channel.Temporary, Err: errors.New("dingtalk: DingTalk failed to deliver it")}
	}
	for _, f := range r.Forbidden {
		if f.UserID == userID {
			return "", f.fault()
		}
	}
	return "", nil
}

// fault says whether sending again can help. Limits for the day, among them that equal notifications go once, leave no hope for today.
func (f Forbidden) fault() error {
	e := &channel.Error{Kind: channel.Unreachable, Code: f.Code, Err: errors.New("dingtalk: dropped by a limit of the day")}
	switch f.Code {
	case "143103", "143104", "143203", "143204":
		e.Kind, e.RetryAfter, e.Err = channel.Temporary, time.Minute, errors.New("dingtalk: dropped by a limit of the minute")
	case "1430002":
		e.Kind, e.Err = channel.Rejected, errors.New("dingtalk: dropped for prohibited words")
	}
	return e
}
