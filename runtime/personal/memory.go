package personal

import (
	"context"
	"sync"
)

// NewMemory returns a Store in memory, for tests: when it is gone, all that was encrypted with its keys is.
func NewMemory() Store {
	return &memoryStore{byID: map[KeyID]Subject{}, bySubject: map[Subject]Record{}}
}

type memoryStore struct {
	mu        sync.Mutex
	byID      map[KeyID]Subject
	bySubject map[Subject]Record
}

func (m *memoryStore) Find(_ context.Context, s Subject) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bySubject[s], nil
}

func (m *memoryStore) Create(_ context.Context, s Subject, r Record) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.bySubject[s]; ok {
		return old, nil
	}
	m.byID[r.ID], m.bySubject[s] = s, r
	return r, nil
}

func (m *memoryStore) Get(_ context.Context, ids []KeyID) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []Record
	for _, id := range ids {
		if s, ok := m.byID[id]; ok {
			found = append(found, m.bySubject[s])
		}
	}
	return found, nil
}

func (m *memoryStore) Destroy(_ context.Context, s Subject) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.bySubject[s]
	m.bySubject[s] = Record{ID: r.ID, Subject: s, Destroyed: true}
	return nil
}
