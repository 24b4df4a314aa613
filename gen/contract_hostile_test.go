package gen_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

// contractPayloads are texts that have become code, links or other text in pages and comments.
var contractPayloads = append([]string{
	"<script>alert(1)</script>", "</script><script>alert(1)</script>", "</style><script>alert(1)</script>", "</title><img src=x onerror=alert(1)>",
	"\" onload=\"alert(1)", "' onmouseover='alert(1)", "<svg/onload=alert(1)>", "--> <script>alert(1)</script> <!--", "<!--", "]]><script>", "&lt;script&gt;",
	"javascript:alert(1)", "[a](javascript:alert(1))", "![x](https://example.org/x.png)", "<https://example.org>", "```\n<b>x</b>\n```", "~~~\nx\n~~~", "| a | b |\n|---|---|",
	"# heading", "- item", "***", "---", "> quote", "    code", "a  \nb", "x\n```mermaid\ngraph LR\n```", "\"]:::command\n evil[\"x", "click x \"javascript:alert(1)\"",
	"*/ export const evil = 1; /*", "*/\nexport const evil = 1;", "@ts-ignore", "@ts-nocheck", "/// <reference path=\"/etc/passwd\" />", "\u202edlrow", "\ufeff",
}, payloads...)

// element is what a page may have.
var pageElements = map[string]bool{}

func init() {
	for name := range strings.FieldsSeq(`html head meta title style body main section h1 h2 h3 p span div ul li code strong table thead tbody tr th td a
		svg defs desc marker path rect line text circle g`) {
		pageElements[name] = true
	}
}

// inspect walks a page: it has the elements and attributes that it is made of, and refers to nothing but itself.
func inspect(t *testing.T, page []byte) (text string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(string(page)))
	require.NoError(t, err)
	ids := map[string]bool{}
	var links []string
	var b strings.Builder
	for n := range root.Descendants() {
		switch n.Type {
		case html.TextNode:
			b.WriteString(n.Data + "\n")
		case html.ElementNode:
			require.True(t, pageElements[n.Data], "the element %s", n.Data)
			for _, a := range n.Attr {
				require.False(t, strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "srcset" || a.Key == "action", "%s of %s", a.Key, n.Data)
				switch a.Key {
				case "id":
					require.False(t, ids[a.Val], "the id %s is there twice", a.Val)
					ids[a.Val] = true
				case "href":
					links = append(links, a.Val)
				}
			}
		}
	}
	for _, link := range links {
		require.True(t, strings.HasPrefix(link, "#") && ids[link[1:]], "the link %s", link)
	}
	return b.String()
}

func TestHostileTextsStayTextsInPagesAndDocuments(t *testing.T) {
	shown := 0
	for _, text := range contractPayloads {
		docs := attackedDocs(t, text)
		if docs == nil {
			continue
		}
		for _, f := range docs.Files {
			switch {
			case strings.HasSuffix(f.Name, ".html"):
				page := inspect(t, f.Content)
				if !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) && strings.TrimSpace(text) == text {
					assert.Contains(t, page, text)
					shown++
				}
			case strings.HasSuffix(f.Name, ".md"):
				plainMarkdown(t, string(f.Content), text)
			case strings.HasSuffix(f.Name, ".json"):
				assert.True(t, json.Valid(f.Content), "%s: %q", f.Name, text)
			}
		}
	}
	assert.Greater(t, shown, 100)
}

// plainMarkdown requires that a page has the blocks of code that it is made of, and no HTML.
func plainMarkdown(t *testing.T, page, text string) {
	t.Helper()
	_, page, _ = strings.Cut(page, "\n") // the mark
	assert.Equal(t, 2, strings.Count(page, "```"), "%q", text)
	before, rest, _ := strings.Cut(page, "```mermaid")
	_, after, _ := strings.Cut(rest, "```")
	assert.NotContains(t, before+after, "<", "%q", text)
	for line := range strings.SplitSeq(before+after, "\n") {
		assert.NotContains(t, line, "](", "%q", text)
		if strings.HasPrefix(line, "#") {
			assert.Contains(t, []string{"# victim", "## Thing", "## Projections"}, line, "%q", text)
		}
	}
}

func TestThePagesOfAllGoldenModelsReferToThemselvesAlone(t *testing.T) {
	for _, name := range goldenModels {
		for _, f := range documentsOf(t, filepath.Join(golden, name, modelFile)).Files {
			if strings.HasSuffix(f.Name, ".html") {
				inspect(t, f.Content)
			}
		}
	}
}
