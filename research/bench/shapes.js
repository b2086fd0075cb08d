const sets = {
  wn18rr: { entities: 40_943, relations: 11, train: 86_835, valid: 3_034, test: 3_134, archive: "WN18RR.tar.gz" },
  "fb15k-237": {
    entities: 14_541,
    relations: 237,
    train: 272_115,
    valid: 17_535,
    test: 20_466,
    archive: "FB15k-237.tar.gz",
  },
};

/** The data sets that are measured. */
export const dataNames = Object.keys(sets);

/**
 * The real data sets' sizes, with the triples of one direction; and a shape for `--mini`, which shows in seconds that every case runs.
 * It has more entities than the 500 candidates of a query.
 */
export const shapes = { ...sets, mini: { entities: 600, relations: 3, train: 500, valid: 20, test: 20 } };

export const batchSize = 500;

/** The teachers' models, each of 64 dimensions. */
export const teacherModels = ["TransH", "DistH", "RotH", "RefH"];
