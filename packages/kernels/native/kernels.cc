// The table of kernels, compiled once for each instruction set.
#include "abi.h"
#include "candidates.h"
#include "losses.h"
#include "peak.h"
#include "planned-forward.h"
#include "rank.h"
#include "sampling.h"
#include "score-all.h"

namespace mulde {
namespace MULDE_ISA {

// Common parts of signatures. Names are those of the arguments in TypeScript.
#define MULDE_TABLES(queries)                                                                                            \
  "encoder " queries ".size tables.dim tables.entity:f tables.relation:f? tables.rotation:f? tables.reflection:f? "      \
  "tables.innerTranslation:f? tables.context:f? tables.diagonal:f? heads:i relations:i " queries ".curvature:f? "
#define MULDE_PAIRS                                                                                                      \
  "similarity queries.size queries.dim queries.q:f queries.square:f queries.alpha:f queries.curvature:f? "               \
  "queries.headBias:f? points.size points.dim points.points:f points.norm:f points.alpha:f points.bias:f "
#define MULDE_ALL MULDE_PAIRS "points.packed:f "
#define MULDE_PLANNED MULDE_PAIRS "K plan.size plan.offsets:i plan.entries:i pairs.terms:f pairs.along:f? pairs.radii:f? "
#define MULDE_UPDATE "rows dim ids:i? count sparse gradient:f parameters:f "

static constexpr Kernel kKernels[] = {
    {"encode", Signature(MULDE_TABLES("out") "out.q:f out.square:f out.alpha:f"), check_encode, encode},
    {"encodeBackward",
     Signature(MULDE_TABLES("queries") "dq:f out.head:f out.relation:f? out.rotation:f? out.reflection:f? out.innerTranslation:f? "
                                       "out.context:f? out.diagonal:f? out.curvature:d"),
     check_encode_backward, encode_backward},
    {"points", Signature("similarity out.size out.dim table:f rows:i? sqrtC bias:f? out.points:f out.norm:f out.alpha:f out.bias:f"),
     check_points, points},
    {"pack", Signature("size dim points:f packed:f"), check_pack, pack},
    {"pointsBackward", Signature("similarity count dim table:f rows:i? sqrtC dPoints:f radial:f gradient:f dSqrtC:d"),
     check_points_backward, points_backward},
    {"plan",
     Signature("pairs:i pairs.length others:i others.length entities out.rows:i out.offsets:i out.entries:i out.local:i items:i? counts:i? "
               "size:i"),
     check_plan, plan},
    {"candidates", Signature(MULDE_PAIRS "K ids:i scores:f"), check_candidates, candidates},
    {"plannedCandidates", Signature(MULDE_PLANNED "scores:f"), check_planned_candidates, planned_candidates},
    {"plannedBackward",
     Signature(MULDE_PLANNED "gradScores:f out.dq:f out.dc:d out.dHeadBias:f out.dPoints:f out.radial:f out.tailBias:f partial:f sums:d"),
     check_planned_backward, planned_backward},
    {"scoreAll", Signature(MULDE_ALL "scores:f"), check_score_all, score_all},
    {"rank", Signature(MULDE_ALL "targets:i filterOffsets:i filterIds:i greater:i equal:i notFinite:i targetScores:f"), check_rank, rank},
    {"topK", Signature(MULDE_ALL "k sorted buffer:f capacity ids:i scores:f? stride"), check_top_k, top_k},
    {"allLoss",
     Signature(MULDE_ALL "kind labels.offsets:i labels.ids:i smoothing weight losses:d out.dq:f out.dc:d out.dHeadBias:f dPoints:f radial:f "
                         "firstLabels:i ownLabels:f references:f byWeight:f partial:f sums:d kept:f out.tailBias:f"),
     check_all_loss, all_loss},
    {"bce", Signature("batch K stride scores:f positiveWeight negativeWeight adversarial gradient:f loss:d"), check_bce, bce},
    {"crossEntropy", Signature("batch K stride scores:f weight gradient:f loss:d"), check_cross_entropy, cross_entropy},
    {"kl", Signature("batch K targets:f scores:f temperature weight gradient:f loss:d"), check_kl, kl},
    {"seniorStep",
     Signature("batch candidates stride teachers teacherScores:f juniorScores:f scales:f attentionTemperature targets:i temperature "
               "softWeight trainOnSoft softLogits:f weights:f gradJunior:f gradScales:f losses:d"),
     check_senior_step, senior_step},
    {"adam", Signature(MULDE_UPDATE "first:f second:f learningRate beta1 beta2 epsilon step weightDecay notFinite:i"), check_adam, adam},
    {"adagrad", Signature(MULDE_UPDATE "sum:f learningRate epsilon weightDecay notFinite:i"), check_adagrad, adagrad},
    {"addRows", Signature("batch dim ids:i source:f table:f"), check_add_rows, add_rows},
    {"sampleCandidates", Signature("batch negatives stride entities seed counter targets:i ids:i"), check_sample_candidates,
     sample_candidates},
    {"peak", Signature("threads iterations out:d"), check_peak, peak},
    {"products", Signature(MULDE_ALL "pieces out:d"), check_products, products},
};

static bool call_kernel(int kernel, const Arg* args, int count, Fault* fault) {
  const Kernel& k = kKernels[kernel];
  Checker checker(args, k.signature, fault);
  checker.kinds(count);
  if (checker.ok()) k.check(checker);
  if (checker.ok()) k.run(Args(args));
  return checker.ok();
}

#define MULDE_STRING2(x) #x
#define MULDE_STRING(x) MULDE_STRING2(x)

constexpr int kKernelCount = sizeof(kKernels) / sizeof(Kernel);
static constexpr Facts<kKernelCount> kFacts(kKernels);

const KernelTable* table() {
  static const KernelTable t = {MULDE_STRING(MULDE_ISA), kFacts.abi, kFacts.kCount, kFacts.list, kKernelCount, call_kernel};
  return &t;
}

}  // namespace MULDE_ISA
}  // namespace mulde
