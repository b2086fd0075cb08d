// The interface between kernels and their host: the table of kernels, and parallel loops.
#pragma once
#include "arguments.h"

namespace mulde {

// A fact that TypeScript needs (see abi.h).
struct Fact {
  const char *subject, *name;
  double value;  // a whole number
};

// All kernels of one instruction set. `call` checks the arguments and runs the kernel, or fills the fault and returns false.
struct KernelTable {
  const char* isa;
  uint32_t abi;  // a hash of the facts
  int facts;
  const Fact* fact;
  int size;
  bool (*call)(int kernel, const Arg* args, int count, Fault* fault);
};

typedef void (*Task)(void* context, int chunk);

// Runs task(context, 0 .. chunks - 1) in any order on any threads, and returns when all are done. The host defines it.
void run_chunks(int chunks, Task task, void* context);

// Work is cut into the same chunks whatever the number of threads, and partial sums are added chunk by chunk in order. This is why results
// do not depend on the thread count. 256 chunks keep about a hundred cores busy.
constexpr int kMaxChunks = 256;

inline int chunk_count(int64_t n, int64_t grain) {
  int64_t c = (n + grain - 1) / grain;
  return (int)(c < 1 ? 1 : c > kMaxChunks ? kMaxChunks : c);
}

// Calls f(begin, end, chunk) over [0, n) in chunks of at least `grain`, but in at most kMaxChunks. Returns their number.
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
