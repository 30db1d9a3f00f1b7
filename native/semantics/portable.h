// What lets a formula be written once for every device: functions marked with it are inlined into
// each version of the loop that calls them, on the host and in kernels of the GPU alike.
#pragma once

#if defined(__CUDACC__)
#define HALFSPACE_INLINE __host__ __device__ __forceinline__
#else
#define HALFSPACE_INLINE [[gnu::always_inline]] inline
#endif
