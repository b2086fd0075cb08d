// Checks the arguments of a call before the kernel runs. Checks after the first fault do nothing, so a kernel lists its checks without
// branches.
#pragma once
#include "arguments.h"
#include "runtime.h"
#include "simd.h"

namespace mulde {
namespace MULDE_ISA {

constexpr int64_t kMaxCount = 0x7fffffff;         // Rows, ids and positions are int32.
constexpr int64_t kMaxExact = 9007199254740991;  // The largest whole number a double holds exactly.
// Threads check pieces of this many ids. Checking fewer takes less time than waking a thread.
constexpr int64_t kCheckedTogether = 65536;

// a b c, or a length no array reaches if that is larger.
inline int64_t times(int64_t a, int64_t b, int64_t c = 1) {
  const double product = (double)a * (double)b * (double)c;
  return product > (double)kMaxExact ? kMaxExact : a * b * c;
}

// Whether all ids are in [least, least + span).
inline bool all_within(const int32_t* ids, int64_t n, int32_t least, uint32_t span) {
  uint32_t most = 0;
  for (int64_t i = 0; i < n; i++) {
    const uint32_t above = (uint32_t)ids[i] - (uint32_t)least;
    most = above > most ? above : most;
  }
  return n <= 0 || most < span;
}

inline bool never_falls(const int32_t* list, int64_t n) {
  int32_t falls = 0;
  for (int64_t i = 1; i < n; i++) falls |= list[i] < list[i - 1];
  return !falls;
}
inline bool rises(const int32_t* list, int64_t n) {
  int32_t falls = 0;
  for (int64_t i = 1; i < n; i++) falls |= list[i] <= list[i - 1];
  return !falls;
}

class Checker {
 public:
  Checker(const Arg* args, const Signature& signature, Fault* fault) : args_(args), signature_(signature), fault_(fault) { *fault = {}; }

  bool ok() const { return fault_->what == Fault::kNone; }
  bool given(int i) const { return args_[i].kind != kNothing; }
  int64_t length(int i) const { return given(i) ? (int64_t)args_[i].number : 0; }

  void kinds(int count) {
    if (count != signature_.count) return fail(Fault::kCount, 0, 0, count, signature_.count, signature_.count);
    for (int i = 0; i < count && ok(); i++)
      if (args_[i].kind != signature_.kinds[i] && !(signature_.optional[i] && !given(i))) fail(Fault::kKind, i, 0, 0, 0, 0);
  }

  // Checks that argument i is a whole number from `least` to `most` and returns it, or `least` after a fault.
  int64_t whole(int i, int64_t least = 0, int64_t most = kMaxCount) {
    const double value = args_[i].number;
    if (!ok()) return least;
    if (value >= (double)least && value <= (double)most && value == (double)(int64_t)value) return (int64_t)value;
    fail(Fault::kNumber, i, 0, value, (double)least, (double)most);
    return least;
  }

  // Checks that an array that may be null in general is there in this call.
  void present(int i) {
    if (ok() && !given(i)) fail(Fault::kKind, i, 0, 0, 0, 0);
  }

  // Checks that an array has at least n values. Null passes: the signature says where it is allowed.
  void holds(int i, int64_t n) {
    if (ok() && given(i) && length(i) < n) fail(Fault::kLength, i, 0, (double)length(i), (double)n, 0);
  }

  // The same for arguments first to last.
  void all_hold(int first, int last, int64_t n) {
    for (int i = first; i <= last; i++) holds(i, n);
  }

  // Checks that an array has `rows` rows of `width` values, `stride` apart.
  void rows(int i, int64_t rows, int64_t width, int64_t stride) { holds(i, rows == 0 ? 0 : times(rows - 1, stride) + width); }

  // The number of whole rows in an array.
  int64_t rows_of(int i, int64_t width) const { return length(i) / width; }

  // Checks that an array has n ids, each from `least` to limit - 1.
  void ids(int i, int64_t n, int64_t limit, int32_t least = 0) {
    holds(i, n);
    if (!ok() || !given(i)) return;
    within(i, 0, n, limit, least);
  }

  // Checks that an array has n + 1 offsets that start at 0, never fall and end at `end` or before. With `filled`, each must exceed the one before.
  void offsets(int i, int64_t n, int64_t end, bool filled = false) {
    holds(i, n + 1);
    if (!ok()) return;
    const int32_t* list = at(i);
    if (list[0] != 0) return fail(Fault::kValue, i, 0, list[0], 0, 0);
    bool falls = filled ? !rises(list, n + 1) : !never_falls(list, n + 1);
    for (int64_t b = 0; falls && b < n; b++)
      if (list[b + 1] < list[b] || (filled && list[b + 1] == list[b]))
        return fail(filled ? Fault::kEmpty : Fault::kOrder, i, b + 1, list[b + 1], list[b], 0);
    if (list[n] > end) fail(Fault::kValue, i, n, list[n], 0, (double)end);
  }

  // Checks that the ids between two offsets (themselves checked) ascend and are below `limit`.
  void runs(int i, int offsets, int64_t n, int64_t limit) {
    if (!ok()) return;
    const int32_t *cut = at(offsets), *list = at(i);
    ids(i, cut[n], limit);
    if (!ok()) return;
    for (int64_t b = 0; b < n; b++) {
      if (never_falls(list + cut[b], cut[b + 1] - cut[b])) continue;
      for (int64_t k = (int64_t)cut[b] + 1; k < cut[b + 1]; k++)
        if (list[k] < list[k - 1]) return fail(Fault::kOrder, i, k, list[k], list[k - 1], 0);
    }
  }

  // Checks that an array has n ids below `limit`, each greater than the one before.
  void rising(int i, int64_t n, int64_t limit) {
    ids(i, n, limit);
    if (!ok() || !given(i)) return;
    const int32_t* list = at(i);
    if (rises(list, n)) return;
    for (int64_t k = 1; k < n; k++)
      if (list[k] <= list[k - 1]) return fail(Fault::kOrder, i, k, list[k], (double)list[k - 1] + 1, 0);
  }

  // Checks one value of an array.
  void equal(int i, int64_t position, int64_t value) {
    if (ok() && at(i)[position] != value) fail(Fault::kValue, i, position, at(i)[position], (double)value, (double)value);
  }

 private:
  const int32_t* at(int i) const { return (const int32_t*)args_[i].pointer; }

  void within(int i, int64_t from, int64_t n, int64_t limit, int32_t least) {
    const int32_t* list = at(i) + from;
    limit = limit > kMaxCount + 1 ? kMaxCount + 1 : limit;
    const int64_t span = limit - least;
    bool good[kMaxChunks];
    const int pieces = parallel(n, kCheckedTogether, [&](int64_t begin, int64_t end, int piece) {
      good[piece] = all_within(list + begin, end - begin, least, span > 0 ? (uint32_t)span : 0);
    });
    bool all = true;
    for (int piece = 0; piece < pieces; piece++) all &= good[piece];
    for (int64_t k = 0; !all && k < n; k++)
      if (!(list[k] >= least && list[k] < limit)) return fail(Fault::kValue, i, from + k, list[k], least, (double)limit - 1);
  }

  void fail(Fault::What what, int argument, int64_t position, double value, double least, double most) {
    if (ok()) *fault_ = {(double)what, (double)argument, (double)position, value, least, most};
  }

  const Arg* args_;
  const Signature& signature_;
  Fault* fault_;
};

// A kernel: `run` is only called with arguments that passed `check`.
struct Kernel {
  const char* name;
  Signature signature;
  void (*check)(Checker&);
  void (*run)(Args);
};

}  // namespace MULDE_ISA
}  // namespace mulde
