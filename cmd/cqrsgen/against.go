package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// locksAt returns the lock file that each model had at a ref: of git, a folder, or the lock file itself. It is nil for a
// model that was not there.
func locksAt(ctx context.Context, ref string, models []string) ([]*diag.File, error) {
	info, err := os.Stat(ref)
	switch {
	case err == nil && isRef(ctx, ref, models):
		what := "file"
		if info.IsDir() {
			what = "folder"
		}
		return nil, fmt.Errorf("%[1]s is a %[2]s, and something of git's too: write ./%[1]s, or heads/%[1]s or tags/%[1]s", ref, what)
	case err == nil && !info.IsDir():
		if len(models) > 1 {
			return nil, fmt.Errorf("%s is the lock file of one model: name the model too", ref)
		}
		src, err := os.ReadFile(ref)
		return []*diag.File{{Name: ref, Src: src}}, err
	case err == nil:
		return each(models, func(model string) (*diag.File, error) { return lockInFolder(ref, model) })
	case filepath.IsAbs(ref) || strings.HasPrefix(ref, "./") || strings.HasPrefix(ref, "../"):
		return nil, err
	}
	return each(models, func(model string) (*diag.File, error) { return lockInGit(ctx, ref, model) })
}

func each(models []string, find func(string) (*diag.File, error)) ([]*diag.File, error) {
	found := make([]*diag.File, len(models))
	for i, model := range models {
		var err error
		if found[i], err = find(model); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// lockInFolder finds a model's lock file in another folder: at the model's path below it, as in a checkout, or right in it.
func lockInFolder(folder, model string) (*diag.File, error) {
	dirs := []string{folder}
	if dir := filepath.Dir(model); filepath.IsLocal(dir) {
		dirs = []string{filepath.Join(folder, dir), folder}
	}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		name, err := lockAmong(names, model)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		if name != "" {
			file := filepath.Join(dir, name)
			src, err := os.ReadFile(file)
			return &diag.File{Name: file, Src: src}, err
		}
	}
	return nil, fmt.Errorf("there is no %s in %s", lock.FileName(filepath.Base(model)), folder)
}

// lockAmong returns the name of a model's lock file among those of a folder: its own, or the only one, if another file was
// the main one then. It is empty where the folder has none.
func lockAmong(names []string, model string) (string, error) {
	own := lock.FileName(filepath.Base(model))
	var locks []string
	for _, name := range names {
		if strings.HasSuffix(name, lock.Suffix) {
			locks = append(locks, name)
		}
	}
	switch {
	case slices.Contains(locks, own):
		return own, nil
	case len(locks) == 1:
		return locks[0], nil
	case len(locks) == 0:
		return "", nil
	}
	return "", fmt.Errorf("which is the lock file of %s: %s?", filepath.Base(model), strings.Join(locks, ", "))
}

// lockInGit finds a model's lock file at a ref of git, where that has the model's folder.
func lockInGit(ctx context.Context, ref, model string) (*diag.File, error) {
	dir := filepath.Dir(model)
	if rev, file, ok := strings.Cut(ref, ":"); ok && file != "" { // git's own name of a file
		src, err := git(ctx, dir, "show", "--end-of-options", rev+":"+file)
		if err != nil {
			return nil, err
		}
		return &diag.File{Name: ref, Src: src}, nil
	}
	if _, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}"); err != nil {
		if errors.As(err, new(*exec.ExitError)) {
			return nil, unknownRef(ctx, dir, ref)
		}
		return nil, fmt.Errorf("%s is no folder and no file, and git does not know it: %w", ref, err)
	}
	listed, err := git(ctx, dir, "ls-tree", "--name-only", "-z", ref, "--", ".")
	if err != nil {
		return nil, err
	}
	names := strings.Split(strings.TrimRight(string(listed), "\x00"), "\x00")
	for i := range names {
		names[i] = path.Base(names[i])
	}
	name, err := lockAmong(names, model)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", ref, err)
	case name != "":
		src, err := git(ctx, dir, "show", ref+":./"+name)
		return &diag.File{Name: ref + ":" + filepath.ToSlash(filepath.Join(dir, name)), Src: src}, err
	case slices.ContainsFunc(names, gen.IsModel):
		return nil, fmt.Errorf("%s has a model in %s, and not its lock file: it was not committed", ref, dir)
	}
	return lockElsewhere(ctx, ref, model)
}

// lockElsewhere looks for the lock file of a model whose folder was not there, or had no model: that of the same package
// in a folder that has none any more, because it was moved. There is none for a new model.
func lockElsewhere(ctx context.Context, ref, model string) (*diag.File, error) {
	dir := filepath.Dir(model)
	top, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	root := strings.TrimSpace(string(top))
	listed, err := git(ctx, root, "ls-tree", "-r", "--name-only", "-z", ref)
	if err != nil {
		return nil, err
	}
	for name := range strings.SplitSeq(string(listed), "\x00") {
		if !strings.HasSuffix(name, lock.Suffix) {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err == nil {
			continue
		}
		return nil, fmt.Errorf("%s has no lock file in %s, and %s is gone: if that is the model's, say so: --against %s:%s",
			ref, dir, name, ref, name)
	}
	return nil, nil
}

// isRef reports whether git knows a branch or a tag of a name in the folder of a model.
func isRef(ctx context.Context, ref string, models []string) bool {
	for _, model := range models {
		for _, kind := range []string{"refs/heads/", "refs/tags/"} {
			if _, err := git(ctx, filepath.Dir(model), "rev-parse", "--verify", "--quiet", "--end-of-options", kind+ref); err == nil {
				return true
			}
		}
	}
	return false
}

// unknownRef says what to do about a ref that git does not know: a remote may have it.
func unknownRef(ctx context.Context, dir, ref string) error {
	err := fmt.Errorf("%s is no folder, no file, and nothing that git knows here", ref)
	listed, failed := git(ctx, dir, "for-each-ref", "--format=%(refname:short)", "refs/remotes/*/"+ref)
	if branches := strings.Fields(string(listed)); failed == nil && len(branches) > 0 {
		return fmt.Errorf("%w: did you mean %s?", err, strings.Join(branches, ", or "))
	}
	shallow, failed := git(ctx, dir, "rev-parse", "--is-shallow-repository")
	if failed == nil && strings.TrimSpace(string(shallow)) == "true" && strings.ContainsAny(ref, "~^@") {
		return fmt.Errorf("%w: this clone is shallow, and `git fetch --unshallow` fetches what came before", err)
	}
	return fmt.Errorf("%w: in a shallow clone, fetch it first (git fetch origin %s)", err, ref)
}

// git runs git in a folder. The error says what git says.
func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = dir, gitEnv(os.Environ())
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if said := strings.TrimSpace(stderr.String()); said != "" {
			return nil, fmt.Errorf("git %s: %s", args[0], said)
		}
		return nil, fmt.Errorf("git %s: %w", args[0], err)
	}
	return stdout.Bytes(), nil
}

// gitEnv returns an environment without a repository that has no work tree of its own: git sets it for the hooks of a linked
// work tree, and would take each folder that it runs in for the top of the repository.
func gitEnv(env []string) []string {
	if slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "GIT_WORK_TREE=") }) {
		return env
	}
	return slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, "GIT_DIR=") })
}
