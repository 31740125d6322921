package dingtalk

import "github.com/e7ddda3c/notify/channel"

// robot classifies a robot's response and returns the error text.
func (r reply) robot() (channel.Kind, string) {
	switch r.code() {
	case -1:
		return r.busy()
	case 130101, 410100, 660026, 302033, 90030:
		return channel.RateLimited, "the robot exceeded its rate limit"
	case 310000:
		return r.securityRefusal()
	case 300001, 300005, 400101:
		return channel.Misconfigured, "unknown access token"
	case 400013, 400102, 400106:
		return channel.Misconfigured, "the robot is disabled, or no longer in its group, or the group is dissolved"
	case 40035:
		if r.says("access_token") {
			return channel.Misconfigured, "the access token is missing"
		}
		return channel.Rejected, "a parameter is missing or invalid"
	case 400105:
		return channel.Rejected, "unsupported message type"
	case 43002, 43004:
		return channel.Rejected, "wrong HTTP method or content type"
	case 430101, 430102, 430103, 430104:
		return channel.Rejected, "DingTalk considers a link, text or image unsafe"
	}
	return r.unknown()
}

// securityRefusal classifies a refusal by the robot's security settings. One with an unknown text is Misconfigured, because the settings
// would refuse the next message, too.
func (r reply) securityRefusal() (channel.Kind, string) {
	switch {
	case r.says("keyword", "关键词"):
		return channel.Rejected, "the message must contain one of the robot's keywords"
	case r.says("sign", "签名", "timestamp"):
		return channel.Misconfigured, "invalid signature: check the secret and this machine's clock"
	case r.says("whitelist", "white list", "白名单"):
		return channel.Misconfigured, "this machine's IP address is not on the robot's allow-list"
	case r.throttled():
		return channel.RateLimited, "the robot exceeded its rate limit"
	}
	return channel.Misconfigured, "refused by the robot's security settings"
}

// work classifies the response to an app's call and returns the error text.
func (r reply) work() (channel.Kind, string) {
	switch code := r.code(); code {
	case -1:
		return r.busy()
	case 90001, 90002, 90003, 90004, 90005, 90006, 90007, 90008, 90018:
		return channel.RateLimited, "the app exceeded its rate limit"
	case 40014, 42001:
		return channel.Misconfigured, "DingTalk refuses a newly issued access token"
	case 40089, 40096:
		return channel.Misconfigured, "invalid app key or app secret"
	case 60011, 60020:
		return channel.Misconfigured, "the app lacks the permission, or this machine's IP address is not on the app's allow-list"
	case 40056, 70003, 70004:
		return channel.Misconfigured, "unknown agent id"
	case 33012, 40031, 60121:
		return channel.InvalidRecipient, "unknown user"
	case 40035:
		if r.says("agent_id", "agentid", "access_token", "appkey", "appsecret") {
			return channel.Misconfigured, "a credential is missing or invalid"
		}
		return channel.Rejected, "a parameter is missing or invalid"
	case 22:
		return channel.Rejected, "unknown API method"
	}
	return r.unknown()
}

func (r reply) busy() (channel.Kind, string) {
	if r.throttled() {
		return channel.RateLimited, "rate limit exceeded"
	}
	return channel.Temporary, "DingTalk is busy"
}

// unknown classifies an unknown code by the text.
func (r reply) unknown() (channel.Kind, string) {
	switch {
	case r.says("too long", "过长", "超长"): // before "exceed": message too long, exceed 20000 bytes
		return channel.Rejected, "the message is too long"
	case r.throttled():
		return channel.RateLimited, "rate limit exceeded"
	}
	return channel.Uncertain, "unknown response code"
}

func (r reply) throttled() bool {
	return r.says("too fast", "too many", "exceed", "限流", "太快", "暂时禁用")
}
