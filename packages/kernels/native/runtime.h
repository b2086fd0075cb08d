// What a kernel sees of its host: its arguments, and a way to spread work over threads.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace mulde {

// One argument as the host passes it: the address of a typed array (or null), or a number.
union Arg {
  void* pointer;
  double number;
  uint64_t raw;
};

class Args {
 public:
  explicit Args(const Arg* list) : list_(list) {}
  float* f32(int i) const { return (float*)list_[i].pointer; }
  double* f64(int i) const { return (double*)list_[i].pointer; }
  int32_t* i32(int i) const { return (int32_t*)list_[i].pointer; }
  double num(int i) const { return list_[i].number; }
  int count(int i) const { return (int)list_[i].number; }

 private:
  const Arg* list_;
};

struct Kernel {
  const char* name;
  void (*run)(Args);
};

struct KernelTable {
  const char* isa;
  int panel;  // entities in a panel of the packed layout
  int size;
  const Kernel* kernels;
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
        (*c.f)((int)(c.n * chunk / c.chunks), (int)(c.n * (chunk + 1) / c.chunks), chunk);
      },
      &context);
  return context.chunks;
}

}  // namespace mulde
