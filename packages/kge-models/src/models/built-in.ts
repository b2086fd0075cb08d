import { attE } from "./atte.js";
import { attH } from "./atth.js";
import { complEx } from "./complex.js";
import { cp } from "./cp.js";
import type { ModelDefinition } from "./definition.js";
import { distE } from "./diste.js";
import { distH } from "./disth.js";
import { distMult } from "./distmult.js";
import { muRE } from "./mure.js";
import { muRP } from "./murp.js";
import { quatE } from "./quate.js";
import { refE } from "./refe.js";
import { refH } from "./refh.js";
import { rot2L } from "./rot2l.js";
import { rotatE } from "./rotate.js";
import { rotE } from "./rote.js";
import { rotH } from "./roth.js";
import { rotL } from "./rotl.js";
import { simplE } from "./simple.js";
import { transE } from "./transe.js";
import { transH } from "./transh.js";
import { tuckER } from "./tucker.js";

/** Every scoring function of this package, in the order in which they are listed. A new one is added here and nowhere else. */
export const builtIns: readonly ModelDefinition[] = [
  transE,
  distE,
  rotE,
  refE,
  attE,
  transH,
  distH,
  rotH,
  refH,
  attH,
  distMult,
  complEx,
  cp,
  simplE,
  muRE,
  rotatE,
  quatE,
  muRP,
  tuckER,
  rotL,
  rot2L,
];
