// How a hot loop is compiled for several instruction sets. Marked functions are leaves: plain loops
// over raw pointers, no calls but inlined ones, no OpenMP regions. The compiler makes one version
// for AVX-512, one for AVX2 and one for any x86-64; the loader picks when the library is opened, so
// one binary runs everywhere. Loops over blocks of 8 channels run where there is no AVX-512. Those over blocks of 16
// run only where there is, and so have one version; tests run them everywhere (HALFSPACE_WIDE_EVERYWHERE).
#pragma once

#include "semantics/portable.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && HALFSPACE_BLOCK == 8
#define HALFSPACE_SIMD __attribute__((target_clones("arch=x86-64-v3", "default"), noinline))
#elif defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && HALFSPACE_BLOCK == 16 && \
    !defined(HALFSPACE_WIDE_EVERYWHERE)
#define HALFSPACE_SIMD __attribute__((target("arch=x86-64-v4"), noinline))
#elif defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && HALFSPACE_BLOCK == 16
#define HALFSPACE_SIMD __attribute__((target_clones("arch=x86-64-v4", "default"), noinline))
#elif defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HALFSPACE_SIMD \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), noinline))
#else
#define HALFSPACE_SIMD
#endif
