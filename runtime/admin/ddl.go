package admin

import (
	"context"
	"fmt"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// sqlStore is a store that keeps read models in tables.
type sqlStore interface {
	readmodel.Store
	TableDDL(schemas []*readmodel.Schema) (string, error)
}

// tableDDL prints the statements for this program's generations of the chosen projections, store by store.
func tableDDL(ctx context.Context, s *session) error {
	if err := s.openModels(ctx); err != nil {
		return err
	}
	var stores []sqlStore
	schemas := map[sqlStore][]*readmodel.Schema{}
	for _, r := range s.runners {
		if store, ok := r.Store().(sqlStore); ok {
			if schemas[store] == nil {
				stores = append(stores, store)
			}
			schemas[store] = append(schemas[store], r.Schema())
		}
	}
	if len(stores) == 0 {
		return fmt.Errorf("%w: none of these read models is in a SQL database", errUsage)
	}
	for i, store := range stores {
		text, err := store.TableDDL(schemas[store])
		if err != nil {
			return err
		}
		if i > 0 {
			text = "\n" + text
		}
		if _, err := fmt.Fprintf(s.Stdout, "-- in %s\n%s", store.Name(), text); err != nil {
			return err
		}
	}
	return nil
}
