// What a host passes to a kernel, what a kernel says it takes, and how it tells that the two do not fit.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace mulde {

enum Kind : uint32_t { kNumber, kFloat32, kFloat64, kInt32, kNothing, kOther };

// One argument: a number, a typed array, null or something else. The host fills in all three fields.
struct Arg {
  void* pointer;
  double number;  // a number, or how many values the array holds
  uint32_t kind;
};

// All calls fit: `allLoss` has the most arguments.
constexpr int kMaxArguments = 40;

// The arguments of a kernel that has checked them.
class Args {
 public:
  explicit Args(const Arg* list) : list_(list) {}
  float* f32(int i) const { return (float*)list_[i].pointer; }
  double* f64(int i) const { return (double*)list_[i].pointer; }
  int32_t* i32(int i) const { return (int32_t*)list_[i].pointer; }
  double num(int i) const { return list_[i].number; }
  int count(int i) const { return (int)list_[i].number; }

 private:
  const Arg* list_;
};

// A kernel's arguments in words: names, each followed by `:f`, `:d` or `:i` for arrays of float32, float64 or int32 and by `?` where null
// will do. Hosts read the names for their error messages.
struct Signature {
  const char* text;
  int count;
  Kind kinds[kMaxArguments];
  bool optional[kMaxArguments];

  constexpr explicit Signature(const char* words) : text(words), count(0), kinds{}, optional{} {
    for (const char* c = words; *c;) {
      Kind kind = kNumber;
      bool null = false;
      for (; *c && *c != ' '; c++) {
        if (*c == ':') kind = c[1] == 'f' ? kFloat32 : c[1] == 'd' ? kFloat64 : kInt32;
        if (*c == '?') null = true;
      }
      while (*c == ' ') c++;
      kinds[count] = kind;
      optional[count++] = null;
    }
  }
};

// What is wrong with a call. Numbers alone, so that a host reads it as six doubles (src/_fault.ts).
struct Fault {
  enum What { kNone, kCount, kKind, kNumber, kLength, kValue, kOrder, kEmpty };
  double what, argument, position, value, least, most;
};

}  // namespace mulde
