package dingtalk

import "github.com/e7ddda3c/notify/channel"

// robot says what the code of a robot's answer means, for the caller and in words.
func (r reply) robot() (channel.Kind, string) {
	switch r.code() {
	case -1:
		return r.busy()
	case 130101, 410100, 660026, 302033, 90030:
		return channel.RateLimited, "the robot sends too fast"
	case 310000:
		return r.guard()
	case 300001, 300005, 400101:
		return channel.Misconfigured, "there is no robot with this access token"
	case 400013, 400102, 400106:
		return channel.Misconfigured, "the robot is stopped, or no longer in its group"
	case 40035:
		if r.says("access_token") {
			return channel.Misconfigured, "the access token is missing"
		}
		return channel.Rejected, "a parameter is missing or not allowed"
	case 400105:
		return channel.Rejected, "robots cannot send this type of message"
	case 43002, 43004:
		return channel.Rejected, "the HTTP method or content type is not allowed"
	case 430101, 430102, 430103, 430104:
		return channel.Rejected, "a link, text or image is held to be unsafe"
	}
	return r.unknown()
}

// guard tells apart what the robot's security settings refuse. A refusal that is not understood is left to an operator: it concerns
// the settings, so the next message would fare no better.
func (r reply) guard() (channel.Kind, string) {
	switch {
	case r.says("keyword", "关键词"):
		return channel.Rejected, "none of the robot's keywords is in the message"
	case r.says("sign", "签名", "timestamp"):
		return channel.Misconfigured, "the signature is not good: look at the secret and at this machine's clock"
	case r.says("whitelist", "white list", "白名单"):
		return channel.Misconfigured, "this machine's address is not on the robot's IP allow-list"
	case r.throttled():
		return channel.RateLimited, "the robot sends too fast"
	}
	return channel.Misconfigured, "the robot's security settings refuse the message"
}

// work says what the code of an app's call means, for the caller and in words.
func (r reply) work() (channel.Kind, string) {
	switch code := r.code(); code {
	case -1:
		return r.busy()
	case 90001, 90002, 90003, 90004, 90005, 90006, 90007, 90008, 90018:
		return channel.RateLimited, "the app calls too often"
	case 40014, 42001:
		return channel.Misconfigured, "the access token is refused, though it is new"
	case 40089, 40096:
		return channel.Misconfigured, "the app key or the app secret is not valid"
	case 60011, 60020:
		return channel.Misconfigured, "the app lacks the permission, or this machine's address is not allowed"
	case 40056, 70003, 70004:
		return channel.Misconfigured, "there is no app with this agent id"
	case 33012, 40031, 60121:
		return channel.InvalidRecipient, "there is no such user"
	case 40035:
		if r.says("agent_id", "agentid", "access_token", "appkey", "appsecret") {
			return channel.Misconfigured, "a credential is missing or not allowed"
		}
		return channel.Rejected, "a parameter is missing or not allowed"
	case 22:
		return channel.Rejected, "there is no such method"
	}
	return r.unknown()
}

func (r reply) busy() (channel.Kind, string) {
	if r.throttled() {
		return channel.RateLimited, "sent too fast"
	}
	return channel.Temporary, "the system is busy"
}

// unknown judges a code that is not known by the words beside it.
func (r reply) unknown() (channel.Kind, string) {
	switch {
	case r.says("too long", "过长", "超长"): // before "exceed": message too long, exceed 20000 bytes
		return channel.Rejected, "the message is too long"
	case r.throttled():
		return channel.RateLimited, "sent too fast"
	}
	return channel.Uncertain, "answered with a code that this package does not know"
}

func (r reply) throttled() bool {
	return r.says("too fast", "too many", "exceed", "限流", "太快", "暂时禁用")
}
