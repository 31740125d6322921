package dingtalk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/dingtalk"
)

// A robot posts into a group and mentions one member.
func ExampleRobot() {
	dingTalk := httptest.NewServer(&group{token: robotToken, secret: robotSecret}) // stands in for oapi.dingtalk.com
	defer dingTalk.Close()

	robot := dingtalk.NewRobot(robotToken, &dingtalk.Options{Secret: robotSecret, BaseURL: dingTalk.URL})
	extra, _ := json.Marshal(dingtalk.Extra{At: dingtalk.At{Mobiles: []string{"13800138000"}}})
	receipt, err := robot.Send(context.Background(), channel.Delivery{
		ID:      "7d1c",
		Content: channel.Content{Title: "Build 42", Markdown: "### Build 42 has failed\n\n- branch: main"},
		Extra:   extra,
	})
	fmt.Println(receipt.Event, err)
	// Output: sent <nil>
}

// An error has a kind, and holds no token, secret or part of the message.
func ExampleRobot_error() {
	dingTalk := httptest.NewServer(&group{token: robotToken, secret: robotSecret})
	defer dingTalk.Close()

	robot := dingtalk.NewRobot(robotToken, &dingtalk.Options{Secret: "SECthe-wrong-one", BaseURL: dingTalk.URL})
	_, err := robot.Send(context.Background(), channel.Delivery{ID: "7d1c", Content: channel.Content{Text: "Build 42 has failed"}})
	fmt.Println(errors.Is(err, channel.Misconfigured))
	fmt.Println(err)
	// Output:
	// true
	// dingtalk: invalid signature: check the secret and this machine's clock (misconfigured, code 310000)
}

// Work sends a notification, and later requests its result.
func ExampleWork() {
	dingTalk := httptest.NewServer(&app{}) // stands in for oapi.dingtalk.com
	defer dingTalk.Close()
	ctx := context.Background()

	work := dingtalk.NewWork(appKey, appSecret, agentID, &dingtalk.WorkOptions{BaseURL: dingTalk.URL})
	receipt, err := work.Send(ctx, channel.Delivery{
		ID: "7d1d", To: "manager4220",
		Content: channel.Content{Title: "Your leave", Markdown: "## Approved", URL: "https://hr.example.com/leaves/7"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	progress, _ := work.Progress(ctx, receipt.ID)
	result, _ := work.Result(ctx, receipt.ID)
	event, err := result.Of("manager4220")
	fmt.Println(progress.Percent, progress.State == dingtalk.Finished, event, err)
	// Output: 100 true read <nil>
}
