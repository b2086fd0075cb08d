// The kernel `topK`: the k best entities of each query.
#pragma once
#include "best.h"
#include "tile-scores.h"

namespace mulde {
namespace MULDE_ISA {

// The scores of a sample of entities, evenly spread, tell roughly where the k-th best will be. A bar at the `rank`-th best of the sample is 3.5
// standard deviations below it, so low enough for nearly every query. If it is too high for one, its block is searched again without bars.
constexpr int kSampleRuns = 4;
constexpr int kSamplePanels = 96 / kPanel;
constexpr int kSample = kSampleRuns * kSamplePanels * kPanel;

inline int sample_rank(int k, int n, int tiles) {
  const double expected = (double)kSample * k / n;
  const int rank = (int)(expected + 3.5 * dsqrt(expected) + 2);
  return tiles >= 4 * kSampleRuns && rank < kSample / 2 ? rank : 0;
}

template <int S>
struct TopK {
  const AllPairs x;
  const int k;
  const bool sorted;
  float* buffers;
  const int capacity;
  int32_t* ids;
  float* scores;
  const int row;  // the stride of the results

  explicit TopK(const Args& a)
      : x(a), k(a.count(15)), sorted(a.flag(16)), buffers(a.f32(17)), capacity(a.count(18)), ids(a.i32(19)), scores(a.f32(20)), row(a.count(21)) {}

  struct Work {
    QueryBlock block;
    Tile tile;
    TileEntities entities;
    Best best[kTileQueries];
    uint32_t dead[kTileEntities / W];
    int32_t at[kTileEntities + 2 * W];
    float exact[kTileEntities + 2 * W];
  };

  float head(int b) const { return x.head_bias ? x.head_bias[b] : 0; }

  // Sets the bars from a sample, whose scores the buffers hold meanwhile.
  void guess_bars(Work& w, int rank) const {
    for (int run = 0; run < kSampleRuns; run++) {
      const int t = (int)((2 * run + 1) * (int64_t)(x.tiles() - 1) / (2 * kSampleRuns));
      w.entities.read(x, t);
      w.tile.products(x, w.block, t, 0, kSamplePanels);
      for (int i = 0; i < w.block.count; i++) {
        const int b = w.block.first + i, n = kSamplePanels * kPanel;
        for (int j = 0; j < n; j++) w.at[j] = j;
        score_places<S>(x, w.entities, x.lanes(b), b, t * kTileEntities, w.tile.value + i * kTileStride, head(b), w.at, n,
                        w.best[i].scores + run * n);
      }
    }
    for (int i = 0; i < w.block.count; i++) {
      bool usable = true;
      for (int j = 0; j < kSample; j++) usable &= finite(w.best[i].scores[j]);
      if (usable) w.best[i].bar = bar_of(w.best[i].scores, kSample, rank, rank);
    }
  }

  // Collects all entities above the bars, which rise as the buffers fill.
  void search(Work& w) const {
    for (int t = 0; t < x.tiles(); t++) {
      w.entities.read(x, t);
      w.tile.products(x, w.block, t);
      mark_dead(w.tile, nullptr, 0, 0, -1, w.dead);
      for (int i = 0; i < w.block.count; i++) {
        Best& own = w.best[i];
        const int b = w.block.first + i;
        const QueryLanes q = x.lanes(b);
        const float* row = w.tile.value + i * kTileStride;
        const Bounds bound = bounds<S>(q, w.entities, head(b), own.bar, false);
        const int n = survivors<S>(q, w.entities, row, w.tile.padded, bound, w.dead, w.at, nullptr);
        if (n == 0) continue;
        score_places<S>(x, w.entities, q, b, w.tile.first, row, head(b), w.at, n, w.exact);
        for (int j = 0; j < n; j++) w.at[j] += w.tile.first;
        for (int j = 0; j < n; j += W) {
          const vf v = load(w.exact + j);
          const uint32_t better = bits(lt(set1(own.bar), v)) & (n - j < W ? (1u << (n - j)) - 1 : kAllLanes);
          pack_ids(better, w.at + j, own.ids + own.count);
          own.count += pack_lanes(better, v, own.scores + own.count);
        }
        if (own.count > capacity - kTileEntities - W) own.keep(k, k + k / 4);
      }
    }
  }

  void write(Best& own, int b) const {
    if (own.count > k) own.keep(k, k);
    if (sorted) {
      // Scores and ids fill at most a quarter of their buffers. Ids ascend, so of equal scores the lower id stays first.
      uint32_t* room = (uint32_t*)own.scores;
      sort_descending(own.scores, own.ids, own.count, room + capacity / 4, room + capacity / 2, own.ids + capacity / 2);
    }
    for (int l = 0; l < k; l++) {
      const size_t place = (size_t)b * row + l;
      ids[place] = l < own.count ? own.ids[l] : -1;  // There are fewer than k only if scores are NaN.
      if (scores) scores[place] = l < own.count ? own.scores[l] : __builtin_nanf("");
    }
  }

  void run() const {
    parallel(x.batch, kTileQueries, [&](int begin, int end, int) {
      Work w;
      for (int b0 = begin; b0 < end; b0 += kTileQueries) {
        w.block.load_rows(x.q, x.stride, b0, b0 + kTileQueries < end ? b0 + kTileQueries : end);
        auto empty = [&] {
          for (int i = 0; i < w.block.count; i++) {
            float* buffer = buffers + (size_t)(b0 + i) * 2 * capacity;
            w.best[i] = {buffer, (int32_t*)(buffer + capacity), 0, -__builtin_inff()};
          }
        };
        empty();
        const int rank = sample_rank(k, x.n, x.tiles());
        if (rank > 0) guess_bars(w, rank);
        search(w);
        bool enough = true;
        for (int i = 0; i < w.block.count; i++) enough &= w.best[i].count >= k;
        if (!enough && rank > 0) {
          empty();
          search(w);
        }
        for (int i = 0; i < w.block.count; i++) write(w.best[i], b0 + i);
      }
    });
  }
};

// topK(... as scoreAll up to packed ..., k, sorted, buffer (2 x B x capacity), capacity (at least 4 k and kTopKRoom),
//      ids (B x row), scores (B x row) or null, row). Writes the first k values of each row. Without `sorted`, ids ascend.
inline void check_top_k(Checker& c) {
  const PairShape x = check_all_pairs(c);
  const int64_t k = c.whole(15, 1, x.n), capacity = c.whole(18, 4 * k > kTopKRoom ? 4 * k : kTopKRoom), stride = c.whole(21, k);
  c.holds(17, times(2, x.batch, capacity));
  c.rows(19, x.batch, k, stride);
  c.rows(20, x.batch, k, stride);
}
inline void top_k(Args a) {
#define MULDE_CALL(S) TopK<S>(a).run()
  MULDE_BY_SIMILARITY(a.count(0), MULDE_CALL)
#undef MULDE_CALL
}

}  // namespace MULDE_ISA
}  // namespace mulde
