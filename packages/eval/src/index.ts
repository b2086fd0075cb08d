export { relationCategories, type RelationCategory } from "./categories.js";
export { countRanks } from "./count-ranks.js";
export { MuldeError } from "@mulde/errors";
export {
  evaluate,
  type EvaluateOptions,
  type RankingReport,
  type RelationMetrics,
  type SidedMetrics,
} from "./evaluate.js";
export { knownAnswers, type KnownAnswers } from "./known-answers.js";
export { rankTriples, type RankOptions, type SideRanks, type Sides, type TripleRanks } from "./rank-triples.js";
export { denseScorer, type RankCounts, type RankQueries, type Scorer, type ScoreOptions } from "./scorer.js";
export { summarise, type SideMetrics } from "./summarise.js";
export { teacherScorer, type CandidateScorer } from "./teacher-scorer.js";
export { ranksFromCounts, type Tie } from "./ties.js";
export type { TripleList } from "./triples.js";
