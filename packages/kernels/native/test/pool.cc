// Many jobs of many sizes on the pool, from several callers who take turns under a lock as the addon's do, with resizes in between; then the
// pool's threads end. Built with ThreadSanitizer, which ends the program at the first race. Arguments: the jobs of each caller, and optionally
// a fault that must be reported: "race" (chunks that share a plain counter) or "unlocked" (callers who take no turns).
#include "../pool.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

using namespace mulde;

namespace {

constexpr int kCallers = 4, kMaxJob = 300;

struct Slots {
  int done[kMaxJob];
  int shared;
  bool race;
};

// Each chunk has a slot of its own. Plain memory: the pool must order what chunks wrote before what the caller reads.
void fill(void* context, int chunk) {
  Slots& slots = *(Slots*)context;
  slots.done[chunk] += chunk + 1;
  if (slots.race) slots.shared++;
}

struct Caller {
  Pool* pool;
  Mutex* turns;
  int jobs, seed;
  bool race, unlocked;
};

void one_job(Caller& caller, std::mt19937& random) {
  if (random() % 50 == 0) caller.pool->resize(1 + (int)(random() % 9));
  const int chunks = (int)(random() % (kMaxJob + 1));
  Slots slots = {{}, 0, caller.race};
  caller.pool->run(chunks, fill, &slots);
  for (int i = 0; i < kMaxJob; i++)
    if (slots.done[i] != (i < chunks ? i + 1 : 0)) {
      fprintf(stderr, "chunk %d of %d ran %d times\n", i, chunks, slots.done[i] / (i + 1));
      exit(3);
    }
}

void* call(void* argument) {
  Caller& caller = *(Caller*)argument;
  std::mt19937 random(caller.seed);
  for (int job = 0; job < caller.jobs; job++) {
    if (!caller.unlocked) caller.turns->lock();
    one_job(caller, random);
    if (!caller.unlocked) caller.turns->unlock();
  }
  return nullptr;
}

}  // namespace

int main(int count, char** arguments) {
  const int jobs = count > 1 ? atoi(arguments[1]) : 1000;
  const char* fault = count > 2 ? arguments[2] : "";
  Mutex turns;
  Pool pool;
  pool.resize(4);
  Caller callers[kCallers];
  pthread_t threads[kCallers];
  for (int i = 0; i < kCallers; i++) {
    callers[i] = {&pool, &turns, jobs, i, strcmp(fault, "race") == 0, strcmp(fault, "unlocked") == 0};
    if (pthread_create(&threads[i], nullptr, call, &callers[i]) != 0) return 2;
  }
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  pool.resize(1);
  printf("%d\n", kCallers * jobs);
  return 0;
}
