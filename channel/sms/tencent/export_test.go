package tencent

// Exported for the tests of package tencent_test.
var (
	SignTC3    = signTC3
	ReadAnswer = readAnswer
	Verdict    = verdict
)
