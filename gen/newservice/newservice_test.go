package newservice_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen/newservice"
)

func options() newservice.Options {
	return newservice.Options{Module: "example.com/tickets", Engine: "embedded", Source: newservice.Source{Version: "v0.1.0"}}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestAServiceIsWrittenIntoAFolderThatIsMissingOrEmpty(t *testing.T) {
	for name, prepare := range map[string]func(dir string){
		"missing":          func(string) {},
		"empty":            func(dir string) { require.NoError(t, os.MkdirAll(dir, 0o755)) },
		"empty repository": func(dir string) { require.NoError(t, os.MkdirAll(filepath.Join(dir, ".git"), 0o755)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "b")
			prepare(dir)
			service, err := newservice.Create(dir, options())
			require.NoError(t, err)
			for _, file := range []string{
				"go.mod", "main.go", "Makefile", "README.md", ".gitignore", ".github/workflows/ci.yml",
				"tickets/tickets.cqrs.yaml", "tickets/ticket.go", "tickets/app_gen.go", "tickets/tickets.cqrs.lock",
			} {
				assert.Contains(t, service.Files, file)
				assert.FileExists(t, filepath.Join(dir, file))
			}
			assert.Equal(t, []string{"go mod tidy", "go test ./...", "go run ."}, service.Steps)
		})
	}
}

func TestNoFileIsEverWrittenOver(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b\nc", "main.go"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o644))
	}
	_, err := newservice.Create(dir, options())
	var full *newservice.NotEmptyError
	require.ErrorAs(t, err, &full)
	assert.Equal(t, []string{"a", `b\nc`, "main.go"}, full.Names)
	assert.Equal(t, []string{"a", "b\nc", "main.go"}, names(t, dir))

	for range 20 {
		f, err := os.CreateTemp(dir, "more")
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	_, err = newservice.Create(dir, options())
	require.ErrorContains(t, err, "and 15 more")
}

func TestAFileOrALinkInPlaceOfTheFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o644))
	_, err := newservice.Create(file, options())
	require.Error(t, err)
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "link")))
	_, err = newservice.Create(filepath.Join(dir, "link"), options())
	require.Error(t, err)
	assert.Equal(t, []string{"file", "link"}, names(t, dir))
}

func TestHostileFoldersAndModulesAreRefusedBeforeAnythingIsWritten(t *testing.T) {
	for _, dir := range []string{"", "-rf", "a\nb", "a\x00b", "a\u202eb", "\xff", "\u200b"} {
		t.Chdir(t.TempDir())
		_, err := newservice.Create(dir, options())
		require.Error(t, err, "%q", dir)
		assert.Empty(t, names(t, "."), "%q", dir)
	}
	for _, module := range []string{
		"", ".", "..", "/", "a//b", "a/", "/a", "../a", "a/../b", "a/./b", ".a", "a.", "a b", "a\nb", "a\tb", "a\"b", "a`b", "a'b", "a;b",
		"a\\b", "a:b", "a@v1", "a\x00", "ä.example/x", "a\u202eb", "-a", "a/-b", "x // indirect", "x\nrequire evil v1.0.0",
		"{{.Module}}", "$(id)", "con", "a/nul.txt", "fmt", "net/http", "std", "cmd/x", "main", "github.com/cqrsgen/cqrsgen",
		"github.com/cqrsgen/cqrsgen/x", strings.Repeat("a", 201),
	} {
		t.Chdir(t.TempDir())
		o := options()
		o.Module = module
		_, err := newservice.Create("service", o)
		require.Error(t, err, "%q", module)
		assert.Empty(t, names(t, "."), "%q", module)
	}
}

func TestModulesThatGoTakesAreFine(t *testing.T) {
	for module, name := range map[string]string{
		"example.com/tickets": "tickets", "tickets": "tickets", "example.com/a/v2": "a", "v2": "v2", "github.com/some~one/A_b-c.d": "A_b-c.d",
	} {
		dir := filepath.Join(t.TempDir(), "x")
		o := options()
		o.Module = module
		_, err := newservice.Create(dir, o)
		require.NoError(t, err, module)
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		require.NoError(t, err)
		assert.Contains(t, string(mod), "module "+module+"\n")
		readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(readme), "# "+name+"\n"), module)
	}
}

func TestAnUnknownEngineIsRefusedWithThoseThereAre(t *testing.T) {
	for _, engine := range []string{"mysql", "", "Embedded", "../postgres"} {
		o := options()
		o.Engine = engine
		_, err := newservice.Create(filepath.Join(t.TempDir(), "x"), o)
		require.ErrorContains(t, err, fmt.Sprintf("unknown engine %q: use --engine embedded, or postgres, or jetstream", engine))
	}
}

func TestAServiceHasTheFilesOfItsEngineAlone(t *testing.T) {
	for engine, want := range map[string]struct {
		run   string
		files []string
	}{
		"embedded":  {"go run .", nil},
		"postgres":  {"make server run", []string{"compose.yaml"}},
		"jetstream": {"make server run", []string{"compose.yaml", "nats.conf"}},
	} {
		t.Run(engine, func(t *testing.T) {
			dir := t.TempDir()
			o := options()
			o.Engine = engine
			service, err := newservice.Create(dir, o)
			require.NoError(t, err)
			assert.Equal(t, want.run, service.Steps[len(service.Steps)-1])
			for _, file := range []string{"compose.yaml", "nats.conf"} {
				assert.Equal(t, slices.Contains(want.files, file), slices.Contains(service.Files, file), file)
			}
			stores, err := os.ReadFile(filepath.Join(dir, "stores.go"))
			require.NoError(t, err)
			assert.Equal(t, 1, strings.Count(string(stores), "cqrsgen/runtime/engine/"), "one engine is linked")
			assert.Contains(t, string(stores), "cqrsgen/runtime/engine/"+engine+`"`)
			for _, file := range service.Files {
				content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file)))
				require.NoError(t, err)
				assert.NotContains(t, string(content), "\n\n\n", file)
				assert.True(t, strings.HasSuffix(string(content), "\n"), file)
			}
		})
	}
}

func TestTheModuleIsTakenFromWhereTheToolComesFrom(t *testing.T) {
	for name, tt := range map[string]struct {
		source  newservice.Source
		want    []string
		not     []string
		getFrom bool
	}{
		"a release": {newservice.Source{Version: "v0.1.0"}, []string{"require github.com/cqrsgen/cqrsgen v0.1.0\n"}, []string{"replace"}, false},
		"a checkout": {
			newservice.Source{Dir: "/some where/a;b"},
			[]string{"cqrsgen v0.0.0\n", "replace github.com/cqrsgen/cqrsgen => \"/some where/a;b\"\n"}, nil, false,
		},
		"nobody knows": {newservice.Source{}, nil, []string{"replace", "require"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			o := options()
			o.Source = tt.source
			service, err := newservice.Create(dir, o)
			require.NoError(t, err)
			mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
			require.NoError(t, err)
			for _, want := range tt.want {
				assert.Contains(t, string(mod), want)
			}
			for _, not := range tt.not {
				assert.NotContains(t, string(mod), not)
			}
			assert.Equal(t, tt.getFrom, service.Steps[0] == "go get -tool github.com/cqrsgen/cqrsgen/cmd/cqrsgen@latest")
		})
	}
}

func TestTheTestsOfThisCheckoutTakeTheModuleFromIt(t *testing.T) {
	_, file, _, ok := runtime.Caller(0)
	require.True(t, ok)
	assert.Equal(t, newservice.Source{Dir: filepath.Join(filepath.Dir(file), "..", "..")}, newservice.Running())
}

func TestAFolderThatCanNotBeWrittenToIsLeftAsItWas(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o555))
	_, err := newservice.Create(filepath.Join(dir, "x"), options())
	require.Error(t, err)
	assert.Empty(t, names(t, dir))
}

func TestNewServicesAskForTheOldestSupportedGo(t *testing.T) {
	ours, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	dir := t.TempDir()
	_, err = newservice.Create(dir, options())
	require.NoError(t, err)
	theirs, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	require.NoError(t, err)
	_, version, found := strings.Cut(string(ours), "\ngo ")
	require.True(t, found)
	version, _, _ = strings.Cut(version, "\n")
	assert.Contains(t, string(theirs), "\ngo "+version+"\n")
}
