package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/cqrsgen/cqrsgen/runtime/projection/projectiontest"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel/readmodeltest"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	readmodeltest.Run(t, func(*testing.T) readmodel.Store { return memory.New() })
}

func TestGenerationsUnderProjectors(t *testing.T) { projectiontest.TestGenerations(t, memory.New()) }
