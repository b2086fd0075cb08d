// Products of a head and a relation. Each block of coordinates is the sum over a table's terms of f h[j] r[k]. Complex numbers, quaternions and
// the pairings of CP and SimplE all have this form.
#pragma once
#include "elementary.h"

namespace mulde {
namespace MULDE_ISA {

struct Term {
  int q, h, r;
  double f;
};

constexpr int kMaxBlock = 4, kMaxTerms = 16;
constexpr double kMinLength = 1e-15;  // the least length a relation's block is divided by

struct Product {
  int block;     // coordinates of h, and of q: 2 or 4
  int relation;  // coordinates of r
  bool unit;     // whether each block of r is scaled to length 1
  int count;
  Term terms[kMaxTerms];
};

// (h0 + h1 i)(r0 + r1 i)
constexpr Product kComplexProduct = {2, 2, false, 4, {{0, 0, 0, 1}, {0, 1, 1, -1}, {1, 0, 1, 1}, {1, 1, 0, 1}}};
constexpr Product kTurnProduct = {2, 2, true, 4, {{0, 0, 0, 1}, {0, 1, 1, -1}, {1, 0, 1, 1}, {1, 1, 0, 1}}};
// An entity's half for heads meets the other's half for tails.
constexpr Product kHeadTailProduct = {2, 1, false, 1, {{1, 0, 0, 1}}};
// The mean of both directions of a relation.
constexpr Product kTwoWayProduct = {2, 2, false, 2, {{1, 0, 0, 0.5}, {0, 1, 1, 0.5}}};
// (h0 + h1 i + h2 j + h3 k)(r0 + r1 i + r2 j + r3 k), ij = k
constexpr Product kHamiltonProduct = {4, 4, true, 16, {
  {0, 0, 0, 1}, {0, 1, 1, -1}, {0, 2, 2, -1}, {0, 3, 3, -1},
  {1, 0, 1, 1}, {1, 1, 0, 1}, {1, 2, 3, 1}, {1, 3, 2, -1},
  {2, 0, 2, 1}, {2, 1, 3, -1}, {2, 2, 0, 1}, {2, 3, 1, 1},
  {3, 0, 3, 1}, {3, 1, 2, 1}, {3, 2, 1, -1}, {3, 3, 0, 1}}};

// Writes the relation's block as the terms use it, and returns 1 over its divisor.
template <class T>
MULDE_INLINE T product_factors(const Product& p, const T* r, T* u) {
  T inverse = fill<T>(1);
  if (p.unit) {
    T square = {};
    for (int k = 0; k < p.relation; k++) square += r[k] * r[k];
    const T n = tsqrt(square);
    inverse = 1.0 / (n < kMinLength ? fill<T>(kMinLength) : n);
  }
  for (int k = 0; k < p.relation; k++) u[k] = inverse * r[k];
  return inverse;
}

// Out of line: compilers that see the terms make slower loops of single doubles.
template <class T>
MULDE_OUTLINE void product_forward(const Product& p, const T* h, const T* r, int d, T* __restrict__ q) {
  T u[kMaxBlock];
  for (int at = 0; at < d; at += p.block, h += p.block, q += p.block, r += p.relation) {
    product_factors(p, r, u);
    // Compilers would turn a loop into a call of memset, which takes longer than the block.
    q[0] = q[1] = T{};
    if (p.block > 2) q[2] = q[3] = T{};
    for (int t = 0; t < p.count; t++) q[p.terms[t].q] += p.terms[t].f * h[p.terms[t].h] * u[p.terms[t].r];
  }
}

// Adds to dh and dr.
template <class T>
MULDE_OUTLINE void product_backward(const Product& p, const T* h, const T* r, int d, const T* dq, T* __restrict__ dh, T* __restrict__ dr) {
  T u[kMaxBlock];
  for (int at = 0; at < d; at += p.block, h += p.block, dq += p.block, dh += p.block, r += p.relation, dr += p.relation) {
    const T inverse = product_factors(p, r, u);
    T du[kMaxBlock] = {}, along = {};
    for (int t = 0; t < p.count; t++) {
      const Term& term = p.terms[t];
      dh[term.h] += term.f * dq[term.q] * u[term.r];
      du[term.r] += term.f * dq[term.q] * h[term.h];
    }
    if (p.unit) for (int k = 0; k < p.relation; k++) along += du[k] * u[k];
    for (int k = 0; k < p.relation; k++) dr[k] += (du[k] - along * u[k]) * inverse;
  }
}

}  // namespace MULDE_ISA
}  // namespace mulde
