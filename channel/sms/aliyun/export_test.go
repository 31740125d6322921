package aliyun

// Exported for the tests of package aliyun_test.
var (
	SignACS3   = signACS3
	SignRPC    = signRPC
	ReadAnswer = readAnswer
	Verdict    = verdict
)
