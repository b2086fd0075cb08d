// What a kernel and its host see of each other: the table of kernels, and a way to spread work over threads.
#pragma once
#include "arguments.h"

namespace mulde {

// Something that hosts must know too.
struct Fact {
  const char *subject, *name;
  double value;  // a whole number
};

// Every kernel of one instruction set. `call` checks the arguments, and runs the kernel only if they fit; what does not is in the fault.
struct KernelTable {
  const char* isa;
  uint32_t abi;  // of the facts
  int facts;
  const Fact* fact;
  int size;
  bool (*call)(int kernel, const Arg* args, int count, Fault* fault);
};

typedef void (*Task)(void* context, int chunk);

// Runs task(context, 0 .. chunks - 1), in any order and on any thread, and returns when all are done. The host defines it.
void run_chunks(int chunks, Task task, void* context);

// Work is always cut into the same pieces, whatever the number of threads, and partial sums are kept by piece and added in
// order: that is why results do not depend on the thread count. 256 pieces keep some hundred cores busy.
constexpr int kMaxChunks = 256;

inline int chunk_count(int64_t n, int64_t grain) {
  int64_t c = (n + grain - 1) / grain;
  return (int)(c < 1 ? 1 : c > kMaxChunks ? kMaxChunks : c);
}

// f(begin, end, chunk) over [0, n), in pieces of at least `grain` (but at most kMaxChunks pieces). Returns how many there were.
template <class F>
inline int parallel(int64_t n, int64_t grain, const F& f) {
  struct Context {
    const F* f;
    int64_t n;
    int chunks;
  } context = {&f, n, chunk_count(n, grain)};
  run_chunks(
      context.chunks,
      [](void* p, int chunk) {
        const Context& c = *(const Context*)p;
        (*c.f)(c.n * chunk / c.chunks, c.n * (chunk + 1) / c.chunks, chunk);
      },
      &context);
  return context.chunks;
}

}  // namespace mulde
