// The WebAssembly host: no libc, memory and threads from JavaScript. The memory is shared; each worker is another instance of this
// module over the same memory, with its own stack, and waits in workerLoop for jobs.
#include "job.h"

#define EXPORT(name) extern "C" __attribute__((export_name(name)))

namespace mulde {
namespace wasm { const KernelTable* table(); }

// The current job; instances share it, since they share the memory.
static Job job;
static int generation, workers;

void run_chunks(int chunks, Task task, void* context) {
  if (workers == 0 || chunks <= 1) {
    for (int i = 0; i < chunks; i++) task(context, i);
    return;
  }
  job.open(chunks, task, context);
  __atomic_fetch_add(&generation, 1, __ATOMIC_SEQ_CST);
  __builtin_wasm_memory_atomic_notify(&generation, 0x7fffffff);
  job.finish();
}

}  // namespace mulde

using namespace mulde;

// The host writes arguments of this layout (src/wasm.ts).
static_assert(sizeof(Arg) == 24 && offsetof(Arg, pointer) == 0 && offsetof(Arg, number) == 8 && offsetof(Arg, kind) == 16, "");

static Fault last_fault;

EXPORT("kernelCount") int kernel_count() { return wasm::table()->size; }
EXPORT("kernelName") const char* kernel_name(int i) { return wasm::table()->name(i); }
EXPORT("kernelSignature") const char* kernel_signature(int i) { return wasm::table()->signature(i); }
EXPORT("call") int call(int kernel, const Arg* args, int count) { return wasm::table()->call(kernel, args, count, &last_fault); }
// Six doubles: what was wrong with the last call.
EXPORT("fault") const Fault* fault() { return &last_fault; }

// The host says how many workers stand in workerLoop.
EXPORT("setWorkers") void set_workers(int n) { workers = n; }

EXPORT("workerLoop") void worker_loop() {
  int seen = 0;
  for (;;) {
    int now;
    // A moment of spinning: jobs come in quick succession, and waking a sleeper costs as much as a short one.
    for (int spin = 0; spin < 20000 && (now = __atomic_load_n(&generation, __ATOMIC_SEQ_CST)) == seen; spin++) {
    }
    while ((now = __atomic_load_n(&generation, __ATOMIC_SEQ_CST)) == seen)
      __builtin_wasm_memory_atomic_wait32(&generation, seen, -1);
    seen = now;
    job.help();
  }
}

// What the compiler calls for copies and fills; there is no libc.
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
