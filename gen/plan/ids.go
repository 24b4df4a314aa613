package plan

import "github.com/cqrsgen/cqrsgen/gen/model"

// parserOf names the function that reads an id from its text: that of an id of several parts is for the team as well.
func parserOf(n *model.Named) string {
	if n.IDOf != nil {
		return "Parse" + n.Name
	}
	return "parse" + n.Name
}

// IDsOfParts returns the ids that have several parts.
func (p *Plan) IDsOfParts() []*Named {
	var ids []*Named
	for _, t := range p.Types {
		if t.IDOf != nil {
			ids = append(ids, t)
		}
	}
	return ids
}
