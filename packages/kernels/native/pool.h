// The native engine's threads.
#pragma once
#include "job.h"
#include "threads.h"

namespace mulde {

// The threads that help with the current job. The caller works too, so a pool of n has n - 1 threads. A training step calls many short kernels in
// a row, so threads spin for a moment before they sleep. With more threads than cores, spinning would take cores from working threads: then
// threads sleep at once, and a job wakes no more of them than there are cores.
class Pool {
  // A tile, a block of packed queries and their buffers take half a megabyte. Some systems give threads less than that by default.
  static constexpr size_t kStackBytes = 4 << 20;
  static constexpr int kSpins = 20000;

 public:
  // As many as TypeScript allows.
  static constexpr int kMaxThreads = 256;

  void resize(int threads) {
    {
      Locked locked(mutex_);
      stopping_ = true;
      next_job();
    }
    wake_.wake_all();
    for (int i = 1; i < size_; i++) join_thread(threads_[i]);
    stopping_ = false;
    started_ = generation_;
    cores_ = usable_cores();
    spins_ = threads <= cores_ ? kSpins : 0;
    // Fewer threads than requested only cost time.
    for (size_ = 1; size_ < threads && size_ < kMaxThreads; size_++)
      if (!start_thread(&threads_[size_], kStackBytes, work, this)) break;
  }

  int size() const { return size_; }

  void run(int chunks, Task task, void* context) {
    if (size_ == 1 || chunks <= 1) {
      for (int i = 0; i < chunks; i++) task(context, i);
      return;
    }
    job_.open(chunks, task, context);
    {
      Locked locked(mutex_);
      next_job();
    }
    if (size_ <= cores_) wake_.wake_all();
    else for (int i = 1; i < cores_ && i < chunks; i++) wake_.wake_one();
    job_.finish();
  }

 private:
  static MULDE_ENTRY work(void* pool) {
    ((Pool*)pool)->work();
    return 0;
  }

  void work() {
    uint64_t seen = started_;
    for (;;) {
      for (int spin = 0; spin < spins_ && __atomic_load_n(&generation_, __ATOMIC_ACQUIRE) == seen; spin++) Job::pause();
      {
        Locked locked(mutex_);
        while (generation_ == seen) wake_.wait(mutex_);
        seen = generation_;
        if (stopping_) return;
      }
      job_.help();
    }
  }

  // Only under the lock; spinning threads read without it.
  void next_job() { __atomic_store_n(&generation_, generation_ + 1, __ATOMIC_RELEASE); }

  Mutex mutex_;
  Condition wake_;
  Thread threads_[kMaxThreads] = {};  // from 1 on; the caller is number 0
  int size_ = 1, cores_ = 1, spins_ = 0;
  uint64_t started_ = 0, generation_ = 0;
  bool stopping_ = false;
  Job job_;
};

}  // namespace mulde
