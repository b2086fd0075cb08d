// Every kernel of one instruction set, by the name under which the host calls it.
#include "encoders.h"
#include "losses.h"
#include "optimizers.h"
#include "peak.h"
#include "sampling.h"
#include "senior.h"
#include "tiles.h"

namespace mulde {
namespace MULDE_ISA {

static const Kernel kKernels[] = {
    {"encode", encode},
    {"encodeBackward", encode_backward},
    {"points", points},
    {"pack", pack},
    {"pointsBackward", points_backward},
    {"plan", plan},
    {"candidates", candidates},
    {"plannedCandidates", planned_candidates},
    {"plannedBackward", planned_backward},
    {"scoreAll", score_all},
    {"rank", rank},
    {"topK", top_k},
    {"allLoss", all_loss},
    {"bce", bce},
    {"crossEntropy", cross_entropy},
    {"kl", kl},
    {"seniorStep", senior_step},
    {"adam", adam},
    {"adagrad", adagrad},
    {"addRows", add_rows},
    {"copyRows", copy_rows},
    {"sampleCandidates", sample_candidates},
    {"peak", peak},
    {"products", products},
};

#define MULDE_STRING2(x) #x
#define MULDE_STRING(x) MULDE_STRING2(x)

const KernelTable* table() {
  static const KernelTable t = {MULDE_STRING(MULDE_ISA), kPanel, (int)(sizeof(kKernels) / sizeof(kKernels[0])), kKernels};
  return &t;
}

}  // namespace MULDE_ISA
}  // namespace mulde
