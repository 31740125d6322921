package template_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"testing/fstest"

	"github.com/e7ddda3c/notify/template"
)

func ExampleNew() {
	templates, err := template.New(os.DirFS("testdata/shop"), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(templates.Keys())
	// Output: [login.code order.shipped]
}

func ExampleSet_Render() {
	templates := template.Must(template.New(fstest.MapFS{
		"welcome/email.title.tmpl":    {Data: []byte("Welcome, {{.name}}\n")},
		"welcome/email.de.title.tmpl": {Data: []byte("Willkommen, {{.name}}\n")},
	}, nil))
	for _, locale := range []string{"en-GB", "de-AT"} {
		out, err := templates.Render(context.Background(), template.Request{
			Key: "welcome", Channel: "email", Locale: locale, Data: map[string]any{"name": "Ann"},
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(out.Content.Title)
	}
	_, err := templates.Render(context.Background(), template.Request{
		Key: "welcome", Channel: "email", Data: map[string]any{"nick": "Annie"},
	})
	fmt.Println(err)
	// Output:
	// Welcome, Ann
	// Willkommen, Ann
	// data.name: template: welcome/email.title.tmpl:1: missing field "name" (rejected)
}

// In a test, Check renders every variant of a template, with a sample of the type that the program sends.
func ExampleSet_Check() {
	type code struct {
		Code    string `json:"code"`
		Minutes int    `json:"minutes"`
	}
	templates := template.Must(template.New(fstest.MapFS{
		"code/default.text.tmpl": {Data: []byte("{{.code}} is your code.\n")},
		"code/sms.approved.json": {Data: []byte(`{"name": "code", "params": [{"name": "code", "value": "{{.number}}"}]}`)},
	}, nil))
	fmt.Println(templates.Check("code", code{Code: "4711", Minutes: 10}))
	// Output: data.number: template: code/sms.approved.json params[0].value:1: missing field "number" (rejected)
}
