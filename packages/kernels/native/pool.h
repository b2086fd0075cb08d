// The native engine's threads.
#pragma once
#include <pthread.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "job.h"

namespace mulde {

// The number of cores this process may use.
inline int usable_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  const int cores = (int)std::thread::hardware_concurrency();
  return cores < 1 ? 1 : cores;
}

// The threads that help with the current job. The caller works too, so a pool of n has n - 1 threads. A training step calls many short kernels in
// a row, so threads spin for a moment before they sleep. With more threads than cores, spinning would take cores from working threads: then
// threads sleep at once, and a job wakes no more of them than there are cores.
class Pool {
  // A tile, a block of packed queries and their buffers take half a megabyte. Some systems give threads less than that by default.
  static constexpr size_t kStackBytes = 4 << 20;
  static constexpr int kSpins = 20000;

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
    cores_ = usable_cores();
    spins_ = threads <= cores_ ? kSpins : 0;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStackBytes);
    for (int i = 1; i < threads; i++) {
      pthread_t t;
      // Fewer threads than requested only cost time.
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
    if (size() <= cores_) wake_.notify_all();
    else for (int i = 1; i < cores_ && i < chunks; i++) wake_.notify_one();
    job_.finish();
  }

 private:
  void work() {
    uint64_t seen = started_;
    for (;;) {
      for (int spin = 0; spin < spins_ && generation_.load(std::memory_order_acquire) == seen; spin++) Job::pause();
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
  int cores_ = 1, spins_ = 0;
  uint64_t started_ = 0;
  std::atomic<uint64_t> generation_{0};
  std::atomic<bool> stopping_{false};
  Job job_;
};

}  // namespace mulde
