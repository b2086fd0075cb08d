// A kernel's arguments as the host passes them, its signature, and the fault it reports when they do not match.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace mulde {

enum Kind : uint32_t { kNumber, kFloat32, kFloat64, kInt32, kNothing, kOther };

// One argument: a number, a typed array, null or anything else. The host fills in all fields.
struct Arg {
  void* pointer;
  double number;  // the number itself, or the array's length
  uint32_t kind;
};

// `allLoss` takes the most arguments, fewer than this.
constexpr int kMaxArguments = 40;

// Checked arguments.
class Args {
 public:
  explicit Args(const Arg* list) : list_(list) {}
  float* f32(int i) const { return (float*)list_[i].pointer; }
  double* f64(int i) const { return (double*)list_[i].pointer; }
  int32_t* i32(int i) const { return (int32_t*)list_[i].pointer; }
  double num(int i) const { return list_[i].number; }
  int count(int i) const { return (int)list_[i].number; }
  // Any number will do: converting a NaN to an integer is undefined.
  bool flag(int i) const { return list_[i].number != 0; }

 private:
  const Arg* list_;
};

// A kernel's signature: the names of its arguments, separated by spaces. `:f`, `:d` or `:i` after a name marks a float32, float64 or int32 array,
// `?` an array that may be null. Error messages use the names.
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

// What is wrong with a call, as six doubles that hosts can read without knowing the layout of a struct (src/_fault.ts).
struct Fault {
  enum What { kNone, kCount, kKind, kNumber, kLength, kValue, kOrder, kEmpty };
  double what, argument, position, value, least, most;
};

}  // namespace mulde
