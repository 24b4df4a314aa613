package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// errNoSource says that no other release of the program can be built here.
var errNoSource = errors.New("no other release can be built: that needs the go command and the source tree")

// edit is a change of lines of the model.
type edit struct{ before, after string }

// edits make the next release: withdrawals do not count as movements any more.
var edits = []edit{{
	before: "          withdrawn: row.withdrawn + event.money.amount\n          movements: row.movements + 1\n",
	after:  "          withdrawn: row.withdrawn + event.money.amount\n",
}}

// changes are the edits as a diff.
func changes() string {
	var b strings.Builder
	for _, e := range edits {
		before, after := strings.Split(strings.TrimSpace(e.before), "\n"), strings.Split(strings.TrimSpace(e.after), "\n")
		for _, line := range before {
			if !slices.Contains(after, line) {
				b.WriteString("- " + strings.TrimSpace(line) + "\n")
			}
		}
		for _, line := range after {
			if !slices.Contains(before, line) {
				b.WriteString("+ " + strings.TrimSpace(line) + "\n")
			}
		}
	}
	return b.String()
}

// applyEdits changes a model.
func applyEdits(path string) error {
	model, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(model)
	for _, e := range edits {
		if strings.Count(text, e.before) != 1 {
			return fmt.Errorf("the model has not just one place that says %q", e.before)
		}
		text = strings.Replace(text, e.before, e.after, 1)
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// root returns the folder of the module that this program was built from, if it is there.
func root() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "../../../..")
	if _, err := os.Stat(filepath.Join(dir, "example/ledger/ledger.cqrs.yaml")); !ok || !filepath.IsAbs(file) || err != nil {
		return "", errNoSource
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", errNoSource
	}
	return dir, nil
}

// buildRelease builds the program with a changed model in a folder, and returns where it is. The source tree stays as it
// is: the copy of the context stands in for it.
func buildRelease(ctx context.Context, dir string) (program string, err error) {
	tree, err := root()
	if err != nil {
		return "", err
	}
	original, copied := filepath.Join(tree, "example/ledger"), filepath.Join(dir, "ledger")
	if err := os.CopyFS(copied, os.DirFS(original)); err != nil {
		return "", err
	}
	if err := applyEdits(filepath.Join(copied, "ledger.cqrs.yaml")); err != nil {
		return "", err
	}
	if err := goCommand(ctx, tree, "tool", "cqrsgen", "generate", filepath.Join(copied, "ledger.cqrs.yaml")); err != nil {
		return "", err
	}
	overlay, err := writeOverlay(dir, original, copied)
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, "ledger-next")
	return program, goCommand(ctx, tree, "build", "-overlay", overlay, "-o", program, "./example/ledger/cmd/ledger")
}

// writeOverlay tells the go command to read the copies of files instead of the originals.
func writeOverlay(dir, original, copied string) (path string, err error) {
	files, err := filepath.Glob(filepath.Join(copied, "*.go"))
	if err != nil {
		return "", err
	}
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for _, file := range files {
		overlay.Replace[filepath.Join(original, filepath.Base(file))] = file
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, text, 0o644)
}

// goCommand runs the go command in the module.
func goCommand(ctx context.Context, tree string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = tree
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
