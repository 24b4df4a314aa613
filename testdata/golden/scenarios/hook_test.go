package scenarios

// What the deciders need is set where the scenarios look for it.
func init() { scenarioDeciders.Shelf.Most = 10 }
