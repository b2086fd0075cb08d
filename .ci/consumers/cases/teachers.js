// Teachers of one's own: a function, and a table from a file.
import { join } from "node:path";
import { ok } from "node:assert/strict";
import { lastJson } from "../_execute.js";
import { runProgram } from "../_programs.js";

export function teacherCases(session) {
  return [
    {
      name: "teachers: a function, and a table from a file",
      run: async () => {
        const folder = await session.projects.everything();
        const file = join(session.projects.empty("scores"), "Bewertungen, оценки.parquet");
        const { mrr } = lastJson(await runProgram(session, "swapped.js", folder, { args: [file] }));
        ok(mrr > 0.5, String(mrr));
      },
    },
  ];
}
