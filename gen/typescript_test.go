package gen_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/output"
)

// typeScriptCompiler is the compiler of TypeScript, 4.8 or later.
func typeScriptCompiler(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CQRSGEN_TEST_TSC"), "tsc", "tsgo"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing := "no compiler of TypeScript is installed: `make typescript` says how, or name one in CQRSGEN_TEST_TSC"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// typesOf writes the TypeScript of a model into a folder.
func typesOf(t *testing.T, dir, name string, docs *output.Documents) {
	t.Helper()
	for _, f := range docs.Files {
		if strings.HasSuffix(f.Name, ".ts") {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name+".ts"), f.Content, 0o644))
			return
		}
	}
	require.Fail(t, "there are no types")
}

// documentsOf are the contracts of a model.
func documentsOf(t *testing.T, file string) *output.Documents {
	t.Helper()
	docs, findings, err := gen.Documents(file)
	require.NoError(t, err)
	require.False(t, findings.Failed())
	return docs
}

// uses is what a program does with the ledger's types. A line below an @ts-expect-error is an error, or else the remark is.
const uses = `import type { BookingEvent } from "./golden-evolution";
import type { AccountCommand, AccountEvent, AnyCommand, AnyEvent, BalanceByCurrency, Currency, Deposit, Money, MoneyDeposited } from "./ledger";

export function amount(e: AccountEvent): number {
  switch (e.type) {
    case "AccountOpened":
      return e.data.owner.length;
    case "MoneyDeposited":
      return e.data.money.amount;
    case "MoneyWithdrawn":
      return -e.data.money.amount + (e.data.reference ?? "").length;
    default: {
      const none: never = e;
      return none;
    }
  }
}

export const money: Money = { amount: 5, currency: "EUR" };
export const deposited: MoneyDeposited = { money };
export const nothingSaid: MoneyDeposited = { money, reference: null };
export const event: AnyEvent = { aggregate: "Account", type: "MoneyDeposited", version: 1, data: deposited };
export const command: AnyCommand = { aggregate: "Account", type: "Deposit", data: { money, reference: "rent" } };
export const row: BalanceByCurrency = { account: "acc-1", currency: "EUR", balance: 1, movements: 1, lastMovement: "2026-03-01T10:00:00Z" };

// @ts-expect-error no such value of the enum
export const currency: Currency = "EURO";
// @ts-expect-error a field is missing
export const incomplete: Money = { amount: 5 };
// @ts-expect-error a field too much
export const more: Money = { amount: 5, currency: "EUR", cents: 5 };
// @ts-expect-error a number is not a text
export const text: Money = { amount: "5", currency: "EUR" };
// @ts-expect-error null is for optional fields
export const nothing: Deposit = { money: null };
// @ts-expect-error no event of this type
export const unknown: AnyEvent = { aggregate: "Account", type: "MoneyLost", version: 1, data: deposited };
// @ts-expect-error no version that the model declares
export const later: AnyEvent = { aggregate: "Account", type: "MoneyDeposited", version: 2, data: deposited };
// @ts-expect-error the fields of another event
export const another: AnyEvent = { aggregate: "Account", type: "AccountOpened", version: 1, data: deposited };
// @ts-expect-error a command is no event
export const wrong: AccountCommand = event;
// @ts-expect-error what happened does not change
money.amount = 6;
// @ts-expect-error a row has its key
export const keyless: BalanceByCurrency = { balance: 1, movements: 1, lastMovement: "2026-03-01T10:00:00Z" };

export function day(e: BookingEvent): string {
  if (e.type !== "Moved") {
    return "";
  }
  switch (e.version) {
    case 1:
    case 2:
      return e.data.day;
    case 3:
      return e.data.to;
    default: {
      const none: never = e;
      return none;
    }
  }
}

export function tooEarly(e: BookingEvent): string {
  // @ts-expect-error the field has that name in one version alone
  return e.type === "Moved" ? e.data.to : "";
}

export function forgetful(e: AccountEvent): number {
  switch (e.type) {
    case "AccountOpened":
      return 0;
    default: {
      // @ts-expect-error two types are left
      const none: never = e;
      return none;
    }
  }
}
`

func TestTheTypesOfTypeScriptCompileTakeWhatIsRightAndNothingElse(t *testing.T) {
	compiler := typeScriptCompiler(t)
	dir := t.TempDir()
	typesOf(t, dir, "ledger", documentsOf(t, example))
	for _, name := range goldenModels {
		typesOf(t, dir, "golden-"+name, documentsOf(t, filepath.Join(golden, name, modelFile)))
	}
	hostile := 0
	for i, text := range payloads {
		if docs := attackedDocs(t, text); docs != nil {
			typesOf(t, dir, fmt.Sprintf("hostile-%d", i), docs)
			hostile++
		}
	}
	assert.Greater(t, hostile, 100)
	seed := fromEnv(t, "CQRSGEN_SEED", uint64(time.Now().UnixNano()))
	t.Logf("CQRSGEN_SEED=%d", seed)
	for i := seed; i < seed+20; i++ {
		docs, findings, err := gen.DocumentsOf([]diag.File{{Name: modelFile, Src: []byte(newRandomModel(i))}})
		require.NoError(t, err)
		if !findings.Failed() {
			typesOf(t, dir, fmt.Sprintf("random-%d", i), docs)
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "uses.ts"), []byte(uses), 0o644))
	all, err := filepath.Glob(filepath.Join(dir, "*.ts"))
	require.NoError(t, err)
	flags := strings.Fields("--strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --noUnusedLocals --removeComments " +
		"--target es2020 --module esnext --pretty false --outDir js")
	cmd := exec.Command(compiler, append(flags, all...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	noCode(t, filepath.Join(dir, "js"), len(all)-1)
}

// noCode requires that types became no code: nothing in a model's texts gets out of its comment.
func noCode(t *testing.T, dir string, want int) {
	t.Helper()
	scripts, err := filepath.Glob(filepath.Join(dir, "*.js"))
	require.NoError(t, err)
	count := 0
	for _, script := range scripts {
		if filepath.Base(script) == "uses.js" {
			continue
		}
		text, err := os.ReadFile(script)
		require.NoError(t, err)
		assert.Equal(t, "export {};", strings.TrimSpace(string(text)), script)
		count++
	}
	assert.Equal(t, want, count)
}

// attackedDocs are the contracts of a model with a text in all places that are documentation; nil if the model is refused.
func attackedDocs(t *testing.T, text string) *output.Documents {
	t.Helper()
	src := slot.ReplaceAllStringFunc(victim, func(s string) string {
		m := slot.FindStringSubmatch(s)
		if strings.HasSuffix(m[1], "Doc") {
			return quoted(text)
		}
		return m[2]
	})
	docs, _, err := gen.DocumentsOf([]diag.File{{Name: modelFile, Src: []byte(src)}})
	require.NoError(t, err)
	return docs
}
