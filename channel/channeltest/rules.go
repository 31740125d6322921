package channeltest

// A rule is a requirement on every channel.
type rule struct {
	name string // the name of the subtest
	says string
	fix  string
	peer Peer // the rule is skipped without this peer; "" for a rule that looks for peers itself
	test func(*run)
}

// The rules in the order in which they run: the simple ones first, since the others build on them.
var rules = []rule{
	{"sends", "Send of a good delivery returns no error, and a receipt for that delivery",
		"return channel.Receipt{Provider: …, ID: …}, nil once the peer has accepted the delivery; leave Event empty or set Sent; set DeliveryID to d.ID or leave it empty",
		Accepts, sends},
	{"declarations", "the optional methods give consistent answers: Valid accepts a good configuration, Validate accepts a good delivery, Limits are not negative, " +
		"AddressKind is channel.Email, Phone, UserID, None or a snake_case word of the driver's own",
		"correct Valid, Validate, Limits or AddressKind; leave out a method that has nothing to declare",
		Accepts, declares},
	{"no early I/O", "the constructor, Valid and Validate send nothing",
		"do I/O in Send alone; notify validates deliveries that it may never send",
		Accepts, noEarlyIO},
	{"bad address", "Validate refuses an empty or malformed address as InvalidRecipient with Field \"to\"; a channel of kind None needs no address",
		"check d.To in Validate: return &channel.Error{Kind: channel.InvalidRecipient, Field: \"to\", Err: …}",
		Accepts, badAddress},
	{"unknown extra", "Validate refuses an Extra with an unknown field and names the field, because a typing error must not go unnoticed",
		"in Validate: _, err := channel.Decode[Extra](d.Extra), with struct{} for Extra if the driver has no settings, and return err",
		Accepts, unknownExtra},
	{"non-ASCII", "non-ASCII text arrives unchanged",
		"send UTF-8 and declare the charset in the content type; encode headers (RFC 2047) and query values (url.Values)",
		Accepts, nonASCII},
	{"line breaks", "a line break in a field never creates a header; if Validate refuses the line break, the error names the field",
		"refuse \\r and \\n in Validate for each field that goes into a header or a command, with Field and the Kind Rejected, or InvalidRecipient for To",
		Accepts, lineBreaks},
	{"oversized", "a text of 1 MiB is handled, or refused by Validate as Rejected with its Field",
		"compare the length with the vendor's limit in Validate; set Field, for example to \"content.text\"",
		Accepts, oversized},
	{"concurrent use", "Send is safe for concurrent use: each delivery arrives once, with its own text",
		"guard shared state with a mutex, and keep the delivery out of the driver's fields; run with -race",
		Accepts, concurrentUse},
	{"keeps nothing", "Send does not modify anything that the delivery points to, and does not read the delivery after returning",
		"copy Extra, Params and attachment data that must outlive Send; build the request from them without editing them",
		Accepts, keepsNothing},
	{"ended context", "Send with an ended context sends nothing and returns an error that wraps the context's error",
		"begin with: if err := ctx.Err(); err != nil { return channel.Receipt{}, &channel.Error{Kind: channel.Temporary, Err: err} }; httpsend.Do does so",
		Accepts, endedContext},
	{"deadline", "with a silent peer, Send returns at the deadline; the error wraps context.DeadlineExceeded and is Uncertain, since the peer may have the delivery",
		"pass ctx to every read and write (http.NewRequestWithContext, net.Conn.SetDeadline) and wrap its error with %w",
		Silent, deadline},
	{"cancel", "a canceled Send returns at once; the error wraps context.Canceled and is Uncertain, since the peer may have the delivery",
		"add context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) }): a deadline on the connection does not cover a cancel",
		Silent, cancels},
	{"cut connection", "a lost answer is Uncertain once the request was sent, because after Temporary the delivery would be sent twice",
		"classify by the data that was sent, not by the type of the error; httpsend.Do does so",
		Cuts, fails},
	{"cut connection, kept", "the same on a reused connection, on which net/http repeats a GET by itself",
		"send with httpsend.Do, or with POST and without Idempotency-Key",
		cutsLater, cutsKept},
	{"refused connection", "a failed connection is Temporary, since nothing was sent",
		"distinguish a dial failure (a *net.OpError with Op \"dial\") from later ones; httpsend.Do does so",
		Refuses, fails},
	{"throttled", "a throttled account is RateLimited, with the RetryAfter that the peer asked for",
		"set Kind channel.RateLimited and RetryAfter; httpsend's Answer.Error takes RetryAfter from the header",
		Throttles, fails},
	{"refused credentials", "refused credentials are Misconfigured, since every delivery fails until an operator acts",
		"map the vendor's codes for a bad token, key or signature, and HTTP 401 and 403, to channel.Misconfigured",
		Denies, fails},
	{"failing peer", "an internal failure of the peer is Uncertain, or Temporary if the peer reported that it did not accept the delivery",
		"return channel.Uncertain for a 5xx without a vendor code, and never Rejected: the message is not at fault",
		Fails, fails},
	{"bad recipient", "an invalid address is InvalidRecipient; one that is unreachable for now is Unreachable",
		"map the vendor's codes for bad addresses to channel.InvalidRecipient",
		BadRecipient, fails},
	{"endless answer", "an answer is read up to a bound; one that is not the vendor's is Uncertain, or a success for vendors that answer with a status alone",
		"read with io.LimitReader, as httpsend.Do does; return channel.Uncertain for an answer that the driver does not understand",
		floods, endlessAnswer},
	{"redirect", "a redirect is a failure and is not followed, since it would pass on the message and the credentials",
		"set CheckRedirect to return http.ErrUseLastResponse; httpsend.Do does so",
		redirects, fails},
	{"close", "a channel can be closed twice; a Send after Close fails or works, but does not panic or hang",
		"use sync.Once, or a flag under a mutex",
		Accepts, closesTwice},
	{"goroutines", "no goroutine is left after Close, even if the context of a Send ended",
		"wait in Close for the goroutines that the driver started; give result channels a buffer of one, so that an abandoned call can end",
		"", leavesNoGoroutine},
}

// The rules that are checked during all others.
var (
	returns = &rule{name: "returns", says: "Send returns by itself when the peer answers, and soon after ctx is done",
		fix: "wait for the peer and ctx alone; return RetryAfter instead of sleeping through a throttle"}
	noPanic = &rule{name: "no panic", says: "Send and Validate do not panic",
		fix: "check lengths and nil before use; an answer may lack every field"}
	oneAttempt = &rule{name: "one attempt", says: "Send makes one attempt; retries belong to notify, which knows whether a duplicate is allowed",
		fix: "remove the retry, including that of the client library"}
	classified = &rule{name: "classified", says: "every error wraps a *channel.Error with a Kind, or a context error",
		fix: "return &channel.Error{Kind: …, Err: fmt.Errorf(\"driver: …\")}, with channel.Uncertain if the outcome is unknown"}
	keepsSecrets = &rule{name: "keeps secrets", says: "no error in the chain contains a secret, a URL, an address or any part of the message",
		fix: "drop the *url.Error (httpsend.Do does so), and report the vendor's code instead of a text that may echo the request"}
)
