package channeltest

// A rule is one thing that holds for every channel.
type rule struct {
	name string // of the subtest
	says string
	mend string
	peer Peer // the rule is left out where there is none; "" if the rule looks for its peers itself
	test func(*run)
}

// The rules, in the order in which they run: the simple ones first, since the others stand on them.
var rules = []rule{
	{"sends", "Send of a good delivery returns no error, and a receipt for that delivery",
		"return channel.Receipt{Provider: …, ID: …}, nil when the peer took it; leave Event, or set Sent; DeliveryID is d.ID or empty",
		Accepts, sends},
	{"declarations", "what a driver declares makes sense: a good configuration is Valid, a good delivery passes Validate, Limits are not negative, " +
		"AddressKind is channel.Email, Phone, UserID, None or a snake_case word of the driver's own",
		"correct Valid, Validate, Limits or AddressKind; a driver that has nothing to say leaves the method out",
		Accepts, declares},
	{"no early I/O", "neither the constructor nor Valid nor Validate sends anything",
		"do I/O in Send alone; notify validates deliveries that may never be sent",
		Accepts, noEarlyIO},
	{"bad address", "Validate refuses an empty or malformed address as InvalidRecipient with Field \"to\"; a channel of kind None needs no address",
		"check d.To in Validate: return &channel.Error{Kind: channel.InvalidRecipient, Field: \"to\", Err: …}",
		Accepts, badAddress},
	{"unknown extra", "Validate refuses an Extra with an unknown field, and names the field: a typing error must not be ignored",
		"in Validate: _, err := channel.Decode[Extra](d.Extra), with struct{} for Extra if there is none, and return err",
		Accepts, unknownExtra},
	{"non-ASCII", "text outside of ASCII arrives as it was given",
		"send UTF-8 and say so in the content type; encode headers (RFC 2047) and query values (url.Values)",
		Accepts, nonASCII},
	{"line breaks", "a line break in any field never makes a header of its own; where Validate refuses it, the error names the field",
		"refuse \\r and \\n in Validate (Kind Rejected, or InvalidRecipient for To, and Field) for each field that goes into a header or a command",
		Accepts, lineBreaks},
	{"oversized", "a text of 1 MiB is refused by Validate as Rejected with its Field, or handled",
		"compare the length with the vendor's limit in Validate; set Field to \"content.text\" or its like",
		Accepts, oversized},
	{"concurrent use", "many goroutines may call Send at once, and each delivery arrives once, with its own text",
		"guard what Send shares with a mutex, and keep the delivery out of the driver's fields; run with -race",
		Accepts, concurrentUse},
	{"keeps nothing", "Send neither changes what the delivery points to nor reads it after it has returned",
		"copy Extra, Params and attachment data that must outlive Send; build the request from them, do not edit them",
		Accepts, keepsNothing},
	{"ended context", "Send with an ended context sends nothing and returns an error that wraps the context's",
		"begin with: if err := ctx.Err(); err != nil { return channel.Receipt{}, &channel.Error{Kind: channel.Temporary, Err: err} }; httpsend.Do does",
		Accepts, endedContext},
	{"deadline", "a silent peer costs the deadline and no more; the error wraps context.DeadlineExceeded and is Uncertain, since the peer may have it",
		"give ctx to every read and write (http.NewRequestWithContext, net.Conn.SetDeadline) and wrap its error with %w",
		Silent, deadline},
	{"cancel", "a cancelled Send returns at once; the error wraps context.Canceled and is Uncertain, since the peer may have it",
		"a deadline on the connection is not enough: context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) }) covers a cancel",
		Silent, cancels},
	{"cut connection", "an answer that was lost after the request is Uncertain: to say Temporary would send it twice",
		"classify by what was sent, not by the error's type; httpsend.Do does",
		Cuts, fails},
	{"cut connection, kept", "the same on a connection that was used before: net/http repeats a GET by itself there",
		"send with httpsend.Do, or with POST and without Idempotency-Key",
		cutsLater, cutsKept},
	{"refused connection", "without a connection nothing was sent: Temporary",
		"tell a dial failure (a *net.OpError with Op \"dial\") from later ones; httpsend.Do does",
		Refuses, fails},
	{"throttled", "a throttled account is RateLimited, with RetryAfter as the peer asked",
		"set Kind channel.RateLimited and RetryAfter; answer.Error of httpsend fills in the header's",
		Throttles, fails},
	{"refused credentials", "refused credentials are Misconfigured: no other delivery will fare better until an operator acts",
		"map the vendor's codes for a bad token, key or signature, and HTTP 401 and 403, to channel.Misconfigured",
		Denies, fails},
	{"failing peer", "a peer's own failure is Uncertain, or Temporary if the peer said that it did not take the delivery",
		"a 5xx without a code of the vendor's is channel.Uncertain; the message cannot be at fault",
		Fails, fails},
	{"bad recipient", "an address that the peer refuses is InvalidRecipient, one that it cannot reach now Unreachable",
		"map the vendor's codes for bad addresses to channel.InvalidRecipient",
		BadRecipient, fails},
	{"endless answer", "an answer is read up to a bound, and one that is not the vendor's is Uncertain or, for vendors that only have a status, success",
		"read with io.LimitReader, as httpsend.Do does; what cannot be understood is channel.Uncertain",
		floods, endlessAnswer},
	{"redirect", "a redirect is not followed, since it would carry the message and the credentials elsewhere, and is a failure",
		"set CheckRedirect to return http.ErrUseLastResponse; httpsend.Do does",
		redirects, fails},
	{"close", "a channel may be closed twice, and a Send after that fails or works, but does not panic or hang",
		"use sync.Once, or a flag under a mutex",
		Accepts, closesTwice},
	{"goroutines", "no goroutine is left after Close and after an ended context",
		"let Close wait for what the driver started; give result channels a buffer of one, so that an abandoned call can end",
		"", leavesNoGoroutine},
}

// Rules that are watched during all others.
var (
	returns = &rule{name: "returns", says: "Send returns by itself when the peer answers, and soon after ctx is done",
		mend: "wait for nothing but the peer and ctx; do not sleep through a throttle, return RetryAfter"}
	noPanic = &rule{name: "no panic", says: "Send and Validate do not panic",
		mend: "check lengths and nil before use; an answer may lack every field"}
	oneAttempt = &rule{name: "one attempt", says: "Send makes one attempt; retries are notify's, which knows whether a duplicate is allowed",
		mend: "remove the retry, also that of the client library"}
	classified = &rule{name: "classified", says: "every error wraps a *channel.Error with a Kind, or an ended context",
		mend: "return &channel.Error{Kind: …, Err: fmt.Errorf(\"driver: …\")}; if you do not know, channel.Uncertain is the truth"}
	keepsSecrets = &rule{name: "keeps secrets", says: "no error, and nothing that it wraps, holds a secret, a URL, an address or a part of the message",
		mend: "drop the *url.Error (httpsend.Do does), and give the vendor's code instead of a text that may echo the request"}
)
