package dingtalk

import (
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

// Sign returns a robot's signature.
var Sign = sign

// FaultOfRobot and FaultOfWork return the error for a response, or nil.
func FaultOfRobot(status int, body []byte) error {
	return parse(httpsend.Answer{Status: status, Body: body}).fault(10*time.Minute, reply.robot)
}

func FaultOfWork(status int, body []byte) error {
	return parse(httpsend.Answer{Status: status, Body: body}).fault(time.Second, reply.work)
}

// RobotMessage returns the body that a robot posts.
func RobotMessage(d channel.Delivery) ([]byte, error) { return robotMessage(d) }

// WorkMessage returns the msg of a work notification.
func WorkMessage(d channel.Delivery) ([]byte, error) { return workMessage(d) }
