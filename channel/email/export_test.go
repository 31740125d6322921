package email

// What a DKIM signature is made of.
var BodyHash, Digest, FieldsOf = bodyHash, digest, fieldsOf

// QueueID is what the receipt's ID comes from.
var QueueID = queueID

// Classify says what a reply means at a step. It returns nil if the code is none of a refusal.
func Classify(s string, code int, text string) error {
	r, refused := parseReply(code, text)
	if !refused {
		return nil
	}
	return r.error(step(s))
}
