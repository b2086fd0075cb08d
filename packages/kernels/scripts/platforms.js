// The platforms for which packages with a prebuilt addon exist, and how their addons are made on Linux. zig compiles and links for each of them;
// g++ compiles the kernels for Linux, since its code is a sixth faster than clang's. They need no C library, so the same serve glibc and musl.
// Not so for Windows: there g++ does not align the stack for vectors.

// Some systems' compilers guard the stack, which calls the C library and takes time.
const x64 = ["g++", "-fno-stack-protector"];
// Otherwise it calls a library for atomics.
const arm64 = ["aarch64-linux-gnu-g++", "-fno-stack-protector", "-mno-outline-atomics"];

/** What each package's manifest says of os, cpu and libc; zig's name of the target; what compiles the kernels, if not zig. */
export const platforms = {
  "linux-x64-gnu": { os: "linux", cpu: "x64", libc: "glibc", zig: "x86_64-linux-gnu.2.17", kernels: x64 },
  "linux-x64-musl": { os: "linux", cpu: "x64", libc: "musl", zig: "x86_64-linux-musl", kernels: x64 },
  "linux-arm64-gnu": { os: "linux", cpu: "arm64", libc: "glibc", zig: "aarch64-linux-gnu.2.17", kernels: arm64 },
  "linux-arm64-musl": { os: "linux", cpu: "arm64", libc: "musl", zig: "aarch64-linux-musl", kernels: arm64 },
  "win32-x64": { os: "win32", cpu: "x64", zig: "x86_64-windows-gnu" },
  "darwin-arm64": { os: "darwin", cpu: "arm64", zig: "aarch64-macos.11.0" },
  "darwin-x64": { os: "darwin", cpu: "x64", zig: "x86_64-macos.11.0" },
};
