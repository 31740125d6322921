package twilio

// Exported for the tests of package twilio_test.
var (
	Form       = (*Gateway).form
	ReadAnswer = readAnswer
	Signed     = signed
)
