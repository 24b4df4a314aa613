package gen_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/cqrsgen/cqrsgen/gen"
)

// adviceCase is a model that gets all advice, and the advice.
const adviceCase = "../testdata/advice/all.txtar"

func TestGoldenAdvice(t *testing.T) {
	a, err := txtar.ParseFile(adviceCase)
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile(modelFile, a.Files[0].Data, 0o644))
	findings, err := gen.Check(modelFile)
	require.NoError(t, err)
	var said bytes.Buffer
	require.NoError(t, findings.Write(&said))
	assert.False(t, findings.Failed(), said.String())
	t.Chdir(testDir)
	if *update {
		a.Files = []txtar.File{a.Files[0], {Name: "diagnostics.txt", Data: said.Bytes()}}
		require.NoError(t, os.WriteFile(adviceCase, txtar.Format(a), 0o644))
		return
	}
	assert.Equal(t, string(a.Files[1].Data), said.String(), "make golden rewrites it")
}

// testDir is where the tests run.
var testDir, _ = os.Getwd()

// standing is the advice for golden models that it is right to give.
var standing = map[string]string{
	"shared-names": "CQ1903", // an event is called AddItem, to have the name of a command
}

func TestModelsGetNoAdviceThatIsWrong(t *testing.T) {
	models, err := filepath.Glob(filepath.Join(golden, "*", modelFile))
	require.NoError(t, err)
	got := map[string]string{}
	for _, file := range append(models, example) {
		findings, err := gen.Check(file)
		require.NoError(t, err, file)
		var said bytes.Buffer
		require.NoError(t, findings.Write(&said))
		for _, m := range anAdvice.FindAllStringSubmatch(said.String(), -1) {
			got[filepath.Base(filepath.Dir(file))] += m[1]
		}
	}
	assert.Equal(t, standing, got)
}

var anAdvice = regexp.MustCompile(`(CQ\d{4}) advice:`)
