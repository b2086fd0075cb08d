// The kernel `plan`: for every row a batch touches, the pairs that touch it.
#pragma once
#include "check.h"

namespace mulde {
namespace MULDE_ISA {

// plan(ids (M), M, others (H), H, N, rows (D + 1, at most N), offsets (D + 1), entries (M), local (H), scratch (4 (M + H)) or null,
//      counts ((kPlanPieces + 1) x N) or null, count (1)), where D <= M + H is the number of distinct ids.
// rows = the distinct ids of both lists, ascending; entries[offsets[i] .. offsets[i + 1]) = the positions of rows[i] in `ids`, ascending;
// local = the others' indices into rows. A counting sort if `counts` is given, else a radix sort, whose time does not depend on N.
struct PlanLists {
  const int32_t* ids;
  int m;
  const int32_t* others;
  int h;
  int32_t *rows, *offsets, *entries, *local;
};

// Pieces of the positions are counted and placed in parallel. Each piece has N counts; a last N hold each row's number.
constexpr int kPlanPieces = 4;

inline int plan_by_counting(const PlanLists& p, int n, int32_t* counts) {
  // Each piece goes over all rows once, which only pays off with many positions.
  const int pieces = p.m / 4 > n ? kPlanPieces : 1;
  auto positions = [&](int piece) { return (int)((int64_t)p.m * piece / pieces); };
  parallel(pieces, 1, [&](int begin, int end, int) {
    for (int piece = begin; piece < end; piece++) {
      // Local copies: stores might alias members, which would keep compilers from vectorising.
      int32_t* own = counts + (size_t)piece * n;
      const int32_t* ids = p.ids;
      const int size = n, last = positions(piece + 1);
      for (int k = 0; k < size; k++) own[k] = 0;
      for (int i = positions(piece); i < last; i++) own[ids[i]]++;
    }
  });
  // Turns counts into the place of each piece's first entry of a row. A row that only `others` has gets no entries.
  int32_t* number = counts + (size_t)kPlanPieces * n;
  for (int k = 0; k < n; k++) number[k] = 0;
  for (int i = 0; i < p.h; i++) number[p.others[i]] = 1;
  int count = 0, sum = 0;
  for (int k = 0; k < n; k++) {
    const int first = sum;
    for (int piece = 0; piece < pieces; piece++) {
      int32_t& own = counts[(size_t)piece * n + k];
      const int c = own;
      own = sum;
      sum += c;
    }
    const int used = number[k] | (sum > first);
    number[k] = count;
    p.rows[count] = k;
    p.offsets[count] = first;
    count += used;
  }
  p.offsets[count] = sum;
  for (int i = 0; i < p.h; i++) p.local[i] = number[p.others[i]];
  parallel(pieces, 1, [&](int begin, int end, int) {
    for (int piece = begin; piece < end; piece++) {
      int32_t *place = counts + (size_t)piece * n, *entries = p.entries;
      const int32_t* ids = p.ids;
      const int last = positions(piece + 1);
      for (int i = positions(piece); i < last; i++) entries[place[ids[i]]++] = i;
    }
  });
  return count;
}

inline int plan_by_radix(const PlanLists& p, int n, int32_t* scratch) {
  constexpr int kBits = 11, kBuckets = 1 << kBits;
  struct Item {
    uint32_t key, at;
  };
  const int all = p.m + p.h;
  Item *from = (Item*)scratch, *to = from + all;
  for (int i = 0; i < p.m; i++) from[i] = {(uint32_t)p.ids[i], (uint32_t)i};
  for (int i = 0; i < p.h; i++) from[p.m + i] = {(uint32_t)p.others[i], (uint32_t)(p.m + i)};
  for (int shift = 0; shift < 32 && (shift == 0 || ((uint32_t)(n - 1) >> shift) != 0); shift += kBits) {
    uint32_t start[kBuckets] = {};
    for (int i = 0; i < all; i++) start[(from[i].key >> shift) & (kBuckets - 1)]++;
    uint32_t sum = 0;
    for (int k = 0; k < kBuckets; k++) {
      const uint32_t c = start[k];
      start[k] = sum;
      sum += c;
    }
    for (int i = 0; i < all; i++) to[start[(from[i].key >> shift) & (kBuckets - 1)]++] = from[i];
    Item* swap = from;
    from = to;
    to = swap;
  }
  int count = 0, entries = 0;
  for (int i = 0; i < all; i++) {
    if (i == 0 || from[i].key != from[i - 1].key) {
      p.rows[count] = (int32_t)from[i].key;
      p.offsets[count++] = entries;
    }
    const int at = (int)from[i].at;
    if (at < p.m) p.entries[entries++] = at;
    else p.local[at - p.m] = count - 1;
  }
  p.offsets[count] = entries;
  return count;
}

inline void check_plan(Checker& c) {
  const int64_t m = c.whole(1), h = c.whole(3, 0, kMaxCount - m), n = c.whole(4);
  c.ids(0, m, n);
  c.ids(2, h, n);
  // The counting sort writes a row before it knows whether the row is used.
  c.holds(5, m + h < n ? m + h + 1 : n);
  c.holds(6, (m + h < n ? m + h : n) + 1);
  c.holds(7, m);
  c.holds(8, h);
  if (!c.given(10)) c.present(9);
  c.holds(9, 4 * (m + h));
  c.holds(10, times(kPlanPieces + 1, n));
  c.holds(11, 1);
}
inline void plan(Args a) {
  const PlanLists lists = {a.i32(0), a.count(1), a.i32(2), a.count(3), a.i32(5), a.i32(6), a.i32(7), a.i32(8)};
  const int n = a.count(4);
  a.i32(11)[0] = a.i32(10) ? plan_by_counting(lists, n, a.i32(10)) : plan_by_radix(lists, n, a.i32(9));
}

}  // namespace MULDE_ISA
}  // namespace mulde
