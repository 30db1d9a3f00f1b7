// Tests run in worker threads, where lib/train/native.ts cannot set this for the OpenMP runtime.
process.env.GOMP_SPINCOUNT ??= '1000';

export default {
  files: ['test/**/*.test.ts'],
  extensions: { ts: 'module' },
  nodeArguments: ['--import=./test/register.mjs'],
  timeout: '5m',
};
