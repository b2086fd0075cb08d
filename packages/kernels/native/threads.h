// Threads and locks of the operating system, without C++'s library: so an addon needs no more than the system's C library.
#pragma once
#include <stddef.h>
#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <pthread.h>
#include <unistd.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace mulde {

#if defined(_WIN32)
class Mutex {
 public:
  void lock() { AcquireSRWLockExclusive(&lock_); }
  void unlock() { ReleaseSRWLockExclusive(&lock_); }

 private:
  friend class Condition;
  SRWLOCK lock_ = SRWLOCK_INIT;
};

class Condition {
 public:
  void wait(Mutex& mutex) { SleepConditionVariableSRW(&condition_, &mutex.lock_, INFINITE, 0); }
  void wake_one() { WakeConditionVariable(&condition_); }
  void wake_all() { WakeAllConditionVariable(&condition_); }

 private:
  CONDITION_VARIABLE condition_ = CONDITION_VARIABLE_INIT;
};

using Thread = HANDLE;
using Entry = DWORD(WINAPI*)(void*);
#define MULDE_ENTRY DWORD WINAPI

inline bool start_thread(Thread* thread, size_t stack_bytes, Entry entry, void* argument) {
  *thread = CreateThread(nullptr, stack_bytes, entry, argument, STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr);
  return *thread != nullptr;
}
inline void join_thread(Thread thread) {
  WaitForSingleObject(thread, INFINITE);
  CloseHandle(thread);
}
#else
class Mutex {
 public:
  void lock() { pthread_mutex_lock(&mutex_); }
  void unlock() { pthread_mutex_unlock(&mutex_); }

 private:
  friend class Condition;
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

class Condition {
 public:
  void wait(Mutex& mutex) { pthread_cond_wait(&condition_, &mutex.mutex_); }
  void wake_one() { pthread_cond_signal(&condition_); }
  void wake_all() { pthread_cond_broadcast(&condition_); }

 private:
  pthread_cond_t condition_ = PTHREAD_COND_INITIALIZER;
};

using Thread = pthread_t;
using Entry = void* (*)(void*);
#define MULDE_ENTRY void*

inline bool start_thread(Thread* thread, size_t stack_bytes, Entry entry, void* argument) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  const bool started = pthread_create(thread, &attributes, entry, argument) == 0;
  pthread_attr_destroy(&attributes);
  return started;
}
inline void join_thread(Thread thread) { pthread_join(thread, nullptr); }
#endif

class Locked {
 public:
  explicit Locked(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
  ~Locked() { mutex_.unlock(); }
  Locked(const Locked&) = delete;

 private:
  Mutex& mutex_;
};

// The number of cores this process may use.
inline int usable_cores() {
#if defined(_WIN32)
  DWORD_PTR own, all;
  if (!GetProcessAffinityMask(GetCurrentProcess(), &own, &all)) return 1;
  const int cores = __builtin_popcountll(own);
#elif defined(__linux__)
  cpu_set_t set;
  const int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
#else
  const int cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
#endif
  return cores < 1 ? 1 : cores;
}

}  // namespace mulde
