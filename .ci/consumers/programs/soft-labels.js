// Merges two teachers that are functions into soft labels, as the README of @mulde/senior shows.
import { createKernels } from "@mulde/kernels";
import { collectScores, functionTeacher, Senior } from "@mulde/senior";

const teachers = [
  functionTeacher("large", (_heads, _relations, candidates) => Float32Array.from(candidates)),
  functionTeacher("small", (_heads, _relations, candidates) => Float32Array.from(candidates, (tail) => -tail)),
];
const [B, K] = [2, 3];
const [heads, relations] = [Int32Array.of(7, 8), Int32Array.of(0, 3)];
const candidates = Int32Array.of(1, 2, 3, 1, 2, 3);
const teacherScores = new Float32Array(teachers.length * B * K);
await collectScores(teachers, heads, relations, candidates, teacherScores);

const senior = new Senior({ teachers: teachers.length, relations: 4, kernels: await createKernels() });
const juniorScores = Float32Array.of(0, 1, 2, 2, 1, 0);
const { softLogits, weights } = senior.softLogits({ epoch: 0, relations, teacherScores, juniorScores, B, K });
console.log(JSON.stringify({ softLogits: Array.from(softLogits), weights: Array.from(weights) }));
