// What is timed on a GPU runs and gives figures. On the emulation they say nothing of a GPU.

import { updates } from '../bench/updates.js';
import { cudaTest } from './cuda-device.js';
import { bench } from './short-bench.js';

cudaTest('a short run times a step in both precisions, and the updates of few groups', async (t) => {
  const { results } = await bench('gpu/');
  const timed = updates.filter(({ groups }) => groups === 16).map(({ name }) => `gpu/${name}`);
  t.deepEqual(
    results.map(({ name }) => name),
    ['gpu/demosupnet/tf32', 'gpu/demosupnet/bf16', ...timed],
  );
  for (const { name, ours_ms, details } of results.slice(0, 2)) {
    t.true((ours_ms ?? 0) > 0, name);
    // Two images a step.
    t.true(Math.abs((details?.['images/s'] ?? 0) * (ours_ms ?? 0) - 2000) < 100, name);
  }
  // The difference of two short runs can be anything.
  for (const { name, ours_ms, details } of results.slice(2)) {
    t.true(Number.isFinite(ours_ms) && Number.isFinite(details?.['GB/s']), name);
  }
});
