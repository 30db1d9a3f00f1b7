import { availableParallelism } from 'node:os';

// Tests run in worker threads, where lib/train/native.ts cannot set this for the OpenMP runtime.
process.env.GOMP_SPINCOUNT ??= '1000';

export default {
  files: ['test/**/*.test.ts'],
  extensions: { ts: 'module' },
  nodeArguments: ['--import=./test/register.mjs'],
  // Each file keeps two cores busy by itself: its own thread and those of the engine.
  concurrency: Math.max(1, Math.floor(availableParallelism() / 2)),
  timeout: '5m',
};
