// What the ontology says: each relation's domain and range. "A person is nobody's capital", for instance, since the range of hasCapital is
// cities.

/** An answer rule for `train` and `distil`: an answer outside the relation's range is wrong, and serves as a negative. */
export function rangeRule({ entities, relations }, ontology) {
  // By relation id, reciprocals behind: the answers of r + R are the heads of r, so its range is the domain of r.
  const ranges = Array.from(relations.names, (name) => ontology.relations[name].range);
  const domains = Array.from(relations.names, (name) => ontology.relations[name].domain);
  const wanted = [...ranges, ...domains];
  const typeOf = Array.from(entities.names, (name) => ontology.typeOf(name));
  const outside = wanted.map((type) => [...typeOf.keys()].filter((id) => typeOf[id] !== type));
  return {
    name: "range",
    isWrong: (head, relation, entity) => typeOf[entity] !== wanted[relation],
    negative: (head, relation, random) => outside[relation][Math.floor(random() * outside[relation].length)],
  };
}
