// Bun for musl needs libstdc++, which Debian has for glibc only. What that wants of glibc and musl lacks is here, so that Bun starts on musl.
// (Alpine's libstdc++ needs none of it.) Not used by the kernels' addon.
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>
#include <time.h>

char __libc_single_threaded = 0;

uint32_t arc4random(void) {
  uint32_t number = 0;
  getrandom(&number, sizeof number, 0);
  return number;
}

size_t __strftime_l(char* to, size_t most, const char* format, const struct tm* time, locale_t locale) {
  return strftime_l(to, most, format, time, locale);
}

// What a thread leaves behind when it ends stays until the process does.
int __cxa_thread_atexit_impl(void (*end)(void*), void* object, void* library) {
  (void)end, (void)object, (void)library;
  return 0;
}

// "Not found" makes libgcc look itself.
int _dl_find_object(void* address, void* result) {
  (void)address, (void)result;
  return -1;
}

// libgcc has these, under a version that musl does not look at.
struct { unsigned vendor, type, subtype, features; } __cpu_model;
int __cpu_indicator_init(void) { return 0; }
