// The Node-API addon: picks an instruction set, keeps a pool of threads, and offers every kernel as a JavaScript function that takes
// typed arrays (or null) and numbers in the kernel's order.
#define NAPI_VERSION 8
#include <node_api.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "job.h"

namespace mulde {

#if defined(__x86_64__)
namespace avx512 { const KernelTable* table(); }
namespace avx2 { const KernelTable* table(); }
#elif defined(__aarch64__)
namespace neon { const KernelTable* table(); }
#endif

// `name` forces an instruction set; empty picks the widest that the processor has. Null if there is none.
static const KernelTable* choose(const std::string& name) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512vl");
  const bool half = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (wide && (name.empty() || name == "avx512")) return avx512::table();
  if (half && (name.empty() || name == "avx2")) return avx2::table();
#elif defined(__aarch64__)
  if (name.empty() || name == "neon") return neon::table();
#endif
  return nullptr;
}

// Threads that help with the current job. The caller works too, so a pool of n has n - 1 threads. They spin for a
// moment before they sleep, since a training step calls many short kernels in a row.
class Pool {
  // A tile, a block of packed queries and their buffers take half a megabyte; some systems give threads less than that.
  static constexpr size_t kStackBytes = 4 << 20;

 public:
  ~Pool() { resize(1); }

  void resize(int threads) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
      generation_++;
    }
    wake_.notify_all();
    for (pthread_t t : threads_) pthread_join(t, nullptr);
    threads_.clear();
    stopping_ = false;
    started_ = generation_;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStackBytes);
    for (int i = 1; i < threads; i++) {
      pthread_t t;
      // Fewer threads than asked for only make it slower.
      if (pthread_create(&t, &attributes, [](void* pool) -> void* { ((Pool*)pool)->work(); return nullptr; }, this) != 0) break;
      threads_.push_back(t);
    }
    pthread_attr_destroy(&attributes);
  }

  int size() const { return (int)threads_.size() + 1; }

  void run(int chunks, Task task, void* context) {
    if (threads_.empty() || chunks <= 1) {
      for (int i = 0; i < chunks; i++) task(context, i);
      return;
    }
    job_.open(chunks, task, context);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      generation_++;
    }
    wake_.notify_all();
    job_.finish();
  }

 private:
  void work() {
    uint64_t seen = started_;
    for (;;) {
      for (int spin = 0; spin < 20000 && generation_.load(std::memory_order_acquire) == seen; spin++) Job::pause();
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return generation_.load() != seen; });
        seen = generation_;
        if (stopping_) return;
      }
      job_.help();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<pthread_t> threads_;
  uint64_t started_ = 0;
  std::atomic<uint64_t> generation_{0};
  std::atomic<bool> stopping_{false};
  Job job_;
};

// One pool for the process. Node's worker threads may each load the addon: a kernel call holds the lock.
static Pool* pool() {
  static Pool* p = new Pool();
  return p;
}
static std::mutex calls;

void run_chunks(int chunks, Task task, void* context) { pool()->run(chunks, task, context); }

}  // namespace mulde

using namespace mulde;

static napi_value fail(napi_env env, const char* message) {
  napi_throw_type_error(env, nullptr, message);
  return nullptr;
}

static Kind kind_of(napi_typedarray_type type) {
  switch (type) {
    case napi_float32_array: return kFloat32;
    case napi_float64_array: return kFloat64;
    case napi_int32_array: return kInt32;
    default: return kOther;
  }
}

static Arg argument(napi_env env, napi_value value) {
  Arg arg = {nullptr, 0, kOther};
  napi_valuetype type;
  napi_typeof(env, value, &type);
  if (type == napi_number) {
    arg.kind = kNumber;
    napi_get_value_double(env, value, &arg.number);
  } else if (type == napi_null) {
    arg.kind = kNothing;
  } else if (type == napi_object) {
    napi_typedarray_type array;
    size_t length;
    if (napi_get_typedarray_info(env, value, &array, &length, &arg.pointer, nullptr, nullptr) == napi_ok) {
      arg.kind = kind_of(array);
      arg.number = (double)length;
    }
  }
  return arg;
}

// call(kernel's number, its arguments ...) -> undefined, or what is wrong with the arguments as six numbers
static napi_value call(napi_env env, napi_callback_info info) {
  napi_value values[1 + kMaxArguments];
  size_t count = 1 + kMaxArguments;
  void* data;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  const KernelTable* table = (const KernelTable*)data;
  int32_t kernel;
  if (count < 1 || napi_get_value_int32(env, values[0], &kernel) != napi_ok || kernel < 0 || kernel >= table->size)
    return fail(env, "call(kernel, ...arguments)");
  Arg args[kMaxArguments];
  const int given = (int)count - 1;
  for (int i = 0; i < given && i < kMaxArguments; i++) args[i] = argument(env, values[1 + i]);
  Fault fault;
  {
    std::lock_guard<std::mutex> lock(calls);
    if (table->call(kernel, args, given, &fault)) return nullptr;
  }
  napi_value result, value;
  const double parts[] = {fault.what, fault.argument, fault.position, fault.value, fault.least, fault.most};
  napi_create_array(env, &result);
  for (uint32_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    napi_create_double(env, parts[i], &value);
    napi_set_element(env, result, i, value);
  }
  return result;
}

// load(instruction set or "", threads) -> {isa, kernels: [name, signature, name, ...], call} or null
static napi_value load(napi_env env, napi_callback_info info) {
  napi_value values[2];
  size_t count = 2;
  napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  char isa[16];
  size_t length;
  int32_t threads;
  if (count != 2 || napi_get_value_string_utf8(env, values[0], isa, sizeof isa, &length) != napi_ok ||
      napi_get_value_int32(env, values[1], &threads) != napi_ok || threads < 1)
    return fail(env, "load(instruction set, threads)");
  napi_value result, value, kernels;
  const KernelTable* table = choose(std::string(isa, length));
  if (!table) {
    napi_get_null(env, &result);
    return result;
  }
  {
    std::lock_guard<std::mutex> lock(calls);
    if (pool()->size() != threads) pool()->resize(threads);
  }
  napi_create_object(env, &result);
  napi_create_string_utf8(env, table->isa, NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, result, "isa", value);
  napi_create_array(env, &kernels);
  for (int i = 0; i < table->size; i++) {
    napi_create_string_utf8(env, table->name(i), NAPI_AUTO_LENGTH, &value);
    napi_set_element(env, kernels, 2 * i, value);
    napi_create_string_utf8(env, table->signature(i), NAPI_AUTO_LENGTH, &value);
    napi_set_element(env, kernels, 2 * i + 1, value);
  }
  napi_set_named_property(env, result, "kernels", kernels);
  napi_create_function(env, "call", NAPI_AUTO_LENGTH, call, (void*)table, &value);
  napi_set_named_property(env, result, "call", value);
  return result;
}

static napi_value init(napi_env env, napi_value exports) {
  napi_value value;
  napi_create_function(env, "load", NAPI_AUTO_LENGTH, load, nullptr, &value);
  napi_set_named_property(env, exports, "load", value);
  return exports;
}

NAPI_MODULE(NODE_GYP_MODULE_NAME, init)
