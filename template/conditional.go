package template

import (
	htmltemplate "html/template"
	"regexp"
)

// withConditionals keeps the comments of an HTML source that mail clients act upon, such as <!--[if mso]> … <![endif]-->, of which
// html/template would drop all. Their ends become calls of verbatim, so that what is between them is rendered as usual.
func withConditionals(src string) string {
	ends := regexp.MustCompile("(?i)" + `<!--\[if[^\]` + "`" + `{]*\]>(<!-->|<!---->|-->)?|<!--\s*<!\[endif\]-->|<!\[endif\]-->`)
	return ends.ReplaceAllString(src, "{{"+verbatimName+" `$0`}}")
}

func verbatim(s string) htmltemplate.HTML { return htmltemplate.HTML(s) }
