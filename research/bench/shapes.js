/** The real data sets' sizes; training, validation and test triples stand for one direction. */
export const shapes = {
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

export const batchSize = 500;

/** A step as the peer has it: the paper's, where the defaults are those of the recipes. */
export const paperStep = { curvature: "shared", adversarial: 0, schedule: "constant", warmup: 0 };

/** The teachers' models, each of 64 dimensions. */
export const teacherModels = ["TransH", "DistH", "RotH", "RefH"];
