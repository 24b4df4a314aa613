package contract

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// asyncAPI describes the events as they are published: each to the channel of its name, in JSON, with headers that say
// which event of which stream it is. Where the channels are is for whoever publishes to say.
func asyncAPI(p *plan.Plan) []byte {
	w := asyncWriter{plan: p, headers: strings.ToUpper(p.Model.Package[:1]) + p.Model.Package[1:]}
	for _, a := range p.Aggregates {
		for _, e := range a.All() {
			w.event(a, e)
		}
	}
	info := object{{"title", p.Model.Package}, {"version", "1.0.0"}}
	info.describe(plainText(p.Model.Doc))
	components := object{{"messages", w.messages}}
	return document(object{
		{"x-comment", Mark(p.Model.File)}, {"asyncapi", "3.0.0"}, {"info", info}, {"defaultContentType", "application/json"},
		{"channels", w.channels}, {"operations", w.operations}, {"components", components},
	})
}

type asyncWriter struct {
	plan *plan.Plan
	// headers is what the names of headers start with.
	headers                        string
	channels, operations, messages object
}

// event adds an event to the channel of its name. Events of several aggregates that have one name share it.
func (w *asyncWriter) event(a *plan.Aggregate, e *plan.Event) {
	channel := w.channel(e.Wire)
	refs, _ := (*channel)[channel.index("messages")].value.(object)
	var sent []any
	for _, v := range versionsOf(a, e) {
		name := fmt.Sprintf("%s.%s.v%d", a.Name, v.Wire, v.number)
		w.messages = append(w.messages, member{name, w.message(a, v)})
		refs = append(refs, member{name, object{{"$ref", "#/components/messages/" + name}}})
		sent = append(sent, object{{"$ref", "#/channels/" + e.Wire + "/messages/" + name}})
	}
	channel.put("messages", refs)
	w.channels.put(e.Wire, *channel)
	operation := object{{"action", "send"}, {"channel", object{{"$ref", "#/channels/" + e.Wire}}}, {"title", e.Name}}
	operation.describe(plainText(e.Doc))
	operation.put("messages", sent)
	w.operations = append(w.operations, member{"publish." + a.Name + "." + e.Wire, operation})
}

// channel returns the channel of a name on the wire.
func (w *asyncWriter) channel(wire string) *object {
	if i := w.channels.index(wire); i >= 0 {
		o, _ := w.channels[i].value.(object)
		return &o
	}
	return &object{
		{"address", "{subject}." + wire},
		{"parameters", object{{"subject", object{{"description", "What all events of " + w.plan.Model.Package + " are published below."}}}}},
		{"messages", object{}},
	}
}

func (w *asyncWriter) message(a *plan.Aggregate, v version) object {
	o := object{{"name", v.Wire}, {"title", v.Name}, {"summary", "An event of " + a.Name + ", in version " + strconv.Itoa(v.number) + "."}}
	o.describe(plainText(paragraphs(v.Doc, v.outdated())))
	if !v.current() {
		o.put("deprecated", true)
	}
	o.put("headers", w.headersOf(a, v))
	o.put("payload", object{{"$ref", "./" + eventFile(a, v)}})
	return o
}

// headersOf are the headers of a message. All of them are texts.
func (w *asyncWriter) headersOf(a *plan.Aggregate, v version) object {
	header := func(name, about string, more ...member) member {
		return member{w.headers + "-" + name, append(append(object{{"type", "string"}}, more...), member{"description", about})}
	}
	properties := object{
		header("Stream", "The stream that the event is of: "+a.Name+"/ and the id.", member{"pattern", "^" + a.Name + "/"}),
		header("Version", "The event's place in its stream, from 1.", member{"pattern", "^[1-9][0-9]*$"}),
		header("Event-Version", "The version of the event's fields.", member{"const", strconv.Itoa(v.number)}),
		header("Time", "When the event happened, in UTC.", member{"format", "date-time"}),
	}
	var required []string
	for _, m := range properties {
		required = append(required, m.name)
	}
	return object{{"type", "object"}, {"properties", properties}, {"required", required}}
}

// plainText keeps a text from being read as Markdown, which may hold HTML.
func plainText(text string) string {
	return markdownText(strings.Join(linesOf(text), "\n"))
}

// markdownText escapes what Markdown, or HTML in it, would take for more than text.
func markdownText(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == '<':
			b.WriteString("&lt;")
		case c == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_{}[]()#+!|~>$", c):
			b.WriteRune('\\')
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
