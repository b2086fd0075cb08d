// The WebAssembly host. There is no libc. JavaScript provides memory and threads: each worker is another instance of this module over the same
// shared memory, with its own stack, and waits for jobs in workerLoop. A second module, without atomics, brings its own memory and has no workers.
#include "job.h"

#define EXPORT(name) extern "C" __attribute__((export_name(name)))

namespace mulde {
namespace wasm { const KernelTable* table(); }

#if defined(__wasm_atomics__)

// The current job. All instances see it, because they share the memory.
static Job job;
static int generation, workers;
// How many workers a job wakes, and how long workers spin before they sleep. With more threads than cores, spinning would take cores from working
// threads.
static int wakes, spins;
constexpr int kSpins = 20000;

void run_chunks(int chunks, Task task, void* context) {
  if (workers == 0 || chunks <= 1) {
    for (int i = 0; i < chunks; i++) task(context, i);
    return;
  }
  job.open(chunks, task, context);
  __atomic_fetch_add(&generation, 1, __ATOMIC_SEQ_CST);
  __builtin_wasm_memory_atomic_notify(&generation, wakes < chunks - 1 ? wakes : chunks - 1);
  job.finish();
}

#else

void run_chunks(int chunks, Task task, void* context) {
  for (int i = 0; i < chunks; i++) task(context, i);
}

#endif

}  // namespace mulde

using namespace mulde;

// src/_arguments.ts writes arguments in this layout.
static_assert(sizeof(Arg) == 24 && offsetof(Arg, pointer) == 0 && offsetof(Arg, number) == 8 && offsetof(Arg, kind) == 16, "");

static Fault last_fault;

EXPORT("abi") uint32_t abi() { return wasm::table()->abi; }
EXPORT("facts") int facts() { return wasm::table()->facts; }
EXPORT("factSubject") const char* fact_subject(int i) { return wasm::table()->fact[i].subject; }
EXPORT("factName") const char* fact_name(int i) { return wasm::table()->fact[i].name; }
EXPORT("factValue") double fact_value(int i) { return wasm::table()->fact[i].value; }
EXPORT("call") int call(int kernel, const Arg* args, int count) { return wasm::table()->call(kernel, args, count, &last_fault); }
// The last call's fault: six doubles.
EXPORT("fault") const Fault* fault() { return &last_fault; }

#if defined(__wasm_atomics__)

// Tells how many workers wait in workerLoop and how many cores there are.
EXPORT("setWorkers") void set_workers(int n, int cores) {
  workers = n;
  wakes = n < cores ? n : cores - 1;
  __atomic_store_n(&spins, n < cores ? kSpins : 0, __ATOMIC_SEQ_CST);
}

EXPORT("workerLoop") void worker_loop() {
  int seen = 0;
  for (;;) {
    int now;
    // Jobs come in quick succession, and waking a sleeping worker takes as long as a short job: spin for a moment.
    const int most = __atomic_load_n(&spins, __ATOMIC_SEQ_CST);
    for (int spin = 0; spin < most && (now = __atomic_load_n(&generation, __ATOMIC_SEQ_CST)) == seen; spin++) {
    }
    while ((now = __atomic_load_n(&generation, __ATOMIC_SEQ_CST)) == seen)
      __builtin_wasm_memory_atomic_wait32(&generation, seen, -1);
    seen = now;
    job.help();
  }
}

#endif

// The compiler calls these for copies and fills.
extern "C" void* memcpy(void* to, const void* from, size_t n) {
  char* t = (char*)to;
  const char* f = (const char*)from;
  for (size_t i = 0; i < n; i++) t[i] = f[i];
  return to;
}
extern "C" void* memset(void* to, int value, size_t n) {
  char* t = (char*)to;
  for (size_t i = 0; i < n; i++) t[i] = (char)value;
  return to;
}
