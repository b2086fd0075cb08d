// A parallel loop that a caller and its workers share. Each takes chunks from a counter until none are left. The caller waits only for workers
// that have entered; one that is asleep or has lost its core finds the gate closed when it arrives.
#pragma once
#include "runtime.h"

// For arm64 clang asks at run time for the newest instructions, by functions of a library that would come along as a whole.
#if defined(__aarch64__) && defined(__clang__)
#define MULDE_PLAIN_ATOMICS __attribute__((noinline, target("no-outline-atomics")))
#else
#define MULDE_PLAIN_ATOMICS
#endif

namespace mulde {

class Job {
 public:
  void open(int chunks, Task task, void* context) {
    task_ = task;
    context_ = context;
    chunks_ = chunks;
    next_ = 0;
    __atomic_store_n(&gate_, kOpen, __ATOMIC_SEQ_CST);
  }

  // Does a worker's part.
  MULDE_PLAIN_ATOMICS void help() {
    for (int gate = __atomic_load_n(&gate_, __ATOMIC_SEQ_CST); gate & kOpen;)
      if (__atomic_compare_exchange_n(&gate_, &gate, gate + kInside, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        take();
        __atomic_fetch_sub(&gate_, kInside, __ATOMIC_SEQ_CST);
        return;
      }
  }

  // Does the caller's part and returns when all chunks are done.
  MULDE_PLAIN_ATOMICS void finish() {
    take();
    __atomic_fetch_and(&gate_, ~kOpen, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&gate_, __ATOMIC_SEQ_CST) != 0) pause();
  }

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

 private:
  static constexpr int kOpen = 1, kInside = 2;

  MULDE_PLAIN_ATOMICS void take() {
    for (int i; (i = __atomic_fetch_add(&next_, 1, __ATOMIC_SEQ_CST)) < chunks_;) task_(context_, i);
  }

  Task task_ = nullptr;
  void* context_ = nullptr;
  int chunks_ = 0, next_ = 0;
  int gate_ = 0;  // kOpen, plus kInside for every worker inside
};

}  // namespace mulde
