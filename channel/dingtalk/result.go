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

// State is the state of a task at DingTalk.
type State int

// The states of a task, by DingTalk's numbers.
const (
	Waiting  State = 0 // not started yet
	Running  State = 1
	Finished State = 2 // the [Result] is available
)

// Progress is the progress of a task at DingTalk.
type Progress struct {
	State   State
	Percent int // 0 to 100
}

// Result lists the userids of a task by outcome. A user in none of the lists has no outcome yet.
type Result struct {
	Read      []string
	Unread    []string    // on the user's device, not opened
	Failed    []string    // not delivered; another attempt can help
	Invalid   []string    // unknown users
	Forbidden []Forbidden // dropped by a limit or for prohibited words
}

// Forbidden is a user for whom DingTalk dropped a notification, and the reason.
type Forbidden struct {
	UserID string
	// Code is DingTalk's code for the reason, or "" if DingTalk gives none:
	//
	//	143106, 143206                  the user received an identical notification today
	//	143105, 143205                  too many notifications for the user today
	//	143103, 143104, 143203, 143204  too many recipients in this minute
	//	1430002                         prohibited words
	Code  string
	Limit int64 // the limit that was exceeded; 0 if DingTalk names none
}

type taskRequest struct {
	Agent int64 `json:"agent_id"`
	Task  int64 `json:"task_id"`
}

// Progress requests the progress of a task. task is the ID of a receipt that is at most 24 hours old. Errors have the kinds of
// [Work.Send] and concern the request, not the notification.
func (w *Work) Progress(ctx context.Context, task string) (Progress, error) {
	var out struct {
		Progress *struct {
			Percent number `json:"progress_in_percent"`
			State   number `json:"status"`
		} `json:"progress"`
	}
	err := w.ask(ctx, "getsendprogress", task, &out)
	if err == nil && (out.Progress == nil || !out.Progress.State.ok) {
		err = unexpected()
	}
	if err != nil {
		return Progress{}, fmt.Errorf("dingtalk: %w", err)
	}
	return Progress{State: State(out.Progress.State.value), Percent: int(out.Progress.Percent.value)}, nil
}

// Result requests the result of a task. task is the ID of a receipt that is at most 24 hours old. Errors have the kinds of [Work.Send]
// and concern the request, not the notification.
func (w *Work) Result(ctx context.Context, task string) (Result, error) {
	var out struct {
		Result *sendResult `json:"send_result"`
	}
	err := w.ask(ctx, "getsendresult", task, &out)
	if err == nil && out.Result == nil {
		err = unexpected()
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
		return 0, &channel.Error{Kind: channel.Rejected, Err: errors.New("task must be the ID of a receipt")}
	}
	return id, nil
}

// sendResult is DingTalk's form of a [Result]. DingTalk fills one or both of the lists of forbidden users.
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

// Of returns the outcome for one user: [channel.Read], [channel.Delivered], or an [*channel.Error] whose kind says whether another
// attempt can help. An empty event with a nil error means that there is no outcome yet.
func (r Result) Of(userID string) (channel.Event, error) {
	switch {
	case slices.Contains(r.Read, userID):
		return channel.Read, nil
	case slices.Contains(r.Unread, userID):
		return channel.Delivered, nil
	case slices.Contains(r.Invalid, userID):
		return "", &channel.Error{Kind: channel.InvalidRecipient, Err: errors.New("dingtalk: unknown user")}
	case slices.Contains(r.Failed, userID):
		return "", &channel.Error{Kind: channel.Temporary, Err: errors.New("dingtalk: DingTalk failed to deliver the notification")}
	}
	for _, f := range r.Forbidden {
		if f.UserID == userID {
			return "", f.fault()
		}
	}
	return "", nil
}

// fault returns the error for a dropped notification. It is Unreachable for a daily limit, such as the one on identical notifications,
// and for an unknown code.
func (f Forbidden) fault() error {
	e := &channel.Error{Kind: channel.Unreachable, Code: f.Code, Err: errors.New("dingtalk: dropped by a daily limit")}
	switch f.Code {
	case "143103", "143104", "143203", "143204":
		e.Kind, e.RetryAfter, e.Err = channel.Temporary, time.Minute, errors.New("dingtalk: dropped by a limit per minute")
	case "1430002":
		e.Kind, e.Err = channel.Rejected, errors.New("dingtalk: dropped for prohibited words")
	}
	return e
}
