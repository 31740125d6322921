package twilio_test

import (
	"fmt"
	"net/http"
	"regexp"
)

func refuses(status, code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"code":%d,"message":"The number +15005550006 is at fault.","more_info":"https://www.twilio.com/docs/errors/%d","status":%d}`,
			code, code, status)
	}
}

// vendor returns a handler that stands in for Twilio.
func vendor(user string) http.HandlerFunc {
	number := regexp.MustCompile(`^\+[1-9]\d{1,14}$`)
	return func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		switch {
		case r.Method != http.MethodPost || r.URL.Path != "/2010-04-01/Accounts/ACtestid/Messages.json":
			refuses(http.StatusNotFound, 20404)(w, r)
		case name != user || password != "testsecret":
			refuses(http.StatusUnauthorized, 20003)(w, r)
		case !number.MatchString(r.PostFormValue("To")):
			refuses(http.StatusBadRequest, 21211)(w, r)
		case r.PostFormValue("From") == "" && r.PostFormValue("MessagingServiceSid") == "":
			refuses(http.StatusBadRequest, 21603)(w, r)
		case r.PostFormValue("Body") == "":
			refuses(http.StatusBadRequest, 21602)(w, r)
		default:
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"sid":"SM00000000000000000000000000000001","status":"queued","num_segments":"1","error_code":null,"error_message":null}`)
		}
	}
}
