package memory

import (
	"testing"

	"github.com/cqrsgen/cqrsgen/runtime/subscription"
	"github.com/cqrsgen/cqrsgen/runtime/subscription/subscriptiontest"
)

func TestConformance(t *testing.T) {
	subscriptiontest.Run(t, func(*testing.T) subscription.Store { return New() })
}
