package email

// The functions behind a DKIM signature.
var BodyHash, Digest, FieldsOf = bodyHash, digest, fieldsOf

// QueueID returns the queue id in the text of a reply.
var QueueID = queueID

// Classify returns the error for a reply at a step, or nil if the reply is not a refusal.
func Classify(s string, code int, text string) error {
	r, refused := parseReply(code, text)
	if !refused {
		return nil
	}
	return r.error(step(s))
}
