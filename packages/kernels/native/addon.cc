// The Node-API addon. It picks an instruction set, owns the thread pool, and calls kernels by number.
#define NAPI_VERSION 8
#include <node_api.h>

#include <string.h>

#include "cpu.h"
#include "pool.h"

namespace mulde {

#if defined(__x86_64__)
namespace avx512 { const KernelTable* table(); }
namespace avx2 { const KernelTable* table(); }
#elif defined(__aarch64__)
namespace neon { const KernelTable* table(); }
#endif

// The kernels of the instruction set `name`, or of the widest one the processor has if `name` is empty. Null if the processor lacks it.
static const KernelTable* choose(const char* name) {
  const auto takes = [=](const char* isa) { return !*name || strcmp(name, isa) == 0; };
#if defined(__x86_64__)
  const Cpu cpu;
  if (cpu.avx512 && takes("avx512")) return avx512::table();
  if (cpu.avx2 && takes("avx2")) return avx2::table();
#elif defined(__aarch64__)
  if (takes("neon")) return neon::table();
#endif
  return nullptr;
}

// The pool is process-wide. Node's worker threads may all load the addon, so a kernel call holds the lock.
static Pool pool;
static Mutex calls;
static int environments = 0;

// Joins the pool's threads when the last environment ends: if that is a worker's, Node may unload the library next.
static void leave(void*) {
  Locked locked(calls);
  if (--environments == 0) pool.resize(1);
}

void run_chunks(int chunks, Task task, void* context) { pool.run(chunks, task, context); }

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

// call(kernel number, ...arguments) -> undefined, or a fault as six numbers
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
    Locked locked(calls);
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

// address(typed array) -> its address, with which the host aligns new arrays
static napi_value address(napi_env env, napi_callback_info info) {
  napi_value value, result;
  size_t count = 1;
  napi_get_cb_info(env, info, &count, &value, nullptr, nullptr);
  const Arg arg = count == 1 ? argument(env, value) : Arg{nullptr, 0, kOther};
  napi_create_double(env, (double)(uintptr_t)arg.pointer, &result);
  return result;
}

// load(instruction set or "", threads) -> {isa, abi, call, address} or null
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
  napi_value result, value;
  const KernelTable* table = choose(isa);
  if (!table) {
    napi_get_null(env, &result);
    return result;
  }
  {
    Locked locked(calls);
    if (pool.size() != threads) pool.resize(threads);
  }
  napi_create_object(env, &result);
  napi_create_string_utf8(env, table->isa, NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, result, "isa", value);
  napi_create_uint32(env, table->abi, &value);
  napi_set_named_property(env, result, "abi", value);
  napi_create_function(env, "call", NAPI_AUTO_LENGTH, call, (void*)table, &value);
  napi_set_named_property(env, result, "call", value);
  napi_create_function(env, "address", NAPI_AUTO_LENGTH, address, nullptr, &value);
  napi_set_named_property(env, result, "address", value);
  return result;
}

static napi_value init(napi_env env, napi_value exports) {
  napi_value value;
  {
    Locked locked(calls);
    environments++;
  }
  napi_add_env_cleanup_hook(env, leave, nullptr);
  napi_create_function(env, "load", NAPI_AUTO_LENGTH, load, nullptr, &value);
  napi_set_named_property(env, exports, "load", value);
  return exports;
}

NAPI_MODULE(NODE_GYP_MODULE_NAME, init)
