package dingtalk

import (
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

// Sign is the pure function behind a robot's signature.
var Sign = sign

// FaultOfRobot and FaultOfWork are what is made of an answer.
func FaultOfRobot(status int, body []byte) error {
	return parse(httpsend.Answer{Status: status, Body: body}).fault(10*time.Minute, reply.robot)
}

func FaultOfWork(status int, body []byte) error {
	return parse(httpsend.Answer{Status: status, Body: body}).fault(time.Second, reply.work)
}

// RobotMessage is the body that a robot posts.
func RobotMessage(d channel.Delivery) ([]byte, error) { return robotMessage(d) }

// WorkMessage is the msg of a work notification.
func WorkMessage(d channel.Delivery) ([]byte, error) { return workMessage(d) }
