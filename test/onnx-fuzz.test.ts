// Files with something wrong in them, made from two small ones that PyTorch exported (see export-small.py): bytes
// changed, repeated and missing; constants that are gone, of another type, too short or of absurd shape; cycles,
// missing names, sizes beyond all memory, paths that leave the folder. Each ends in a network or in an error of ours,
// in little time and memory. The seeds are fixed; `onnx-fuzz.ts` takes others.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import type { FuzzReport } from './onnx-fuzz.js';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Runs the seeds in a process whose heap and data segments are limited, in MB; beyond them it would crash. */
async function fuzz(first: number, count: number, heap: number, data: number): Promise<FuzzReport> {
  const child = [
    process.execPath,
    `--max-old-space-size=${heap}`,
    `--import=${new URL('register.mjs', import.meta.url).href}`,
    here('onnx-fuzz.ts'),
    `${first}`,
    `${count}`,
    here('files/mobile.onnx'),
    here('files/attention.onnx'),
  ];
  const limited = `ulimit -d ${data * 1024} && exec "$@"`;
  const { stdout } = await promisify(execFile)('sh', ['-c', limited, 'sh', ...child], { timeout: 240_000 });
  return JSON.parse(stdout) as FuzzReport;
}

test('files with something wrong give a network or an error, in bounded time and memory', async (t) => {
  const { outcomes, failures, slowest, memory } = await fuzz(0, 800, 256, 2000);
  t.log(outcomes, slowest, `${memory} MB`);
  t.deepEqual(failures, []);
  t.is(
    Object.values(outcomes).reduce((sum, count) => sum + count, 0),
    800,
  );
  // What is wrong is found in the file, but for what the rest of the library finds when the network is used.
  t.true((outcomes['ERR_MODEL'] ?? 0) > 400 && (outcomes['read'] ?? 0) > 50);
  t.true(slowest.milliseconds < 30_000, `seed ${slowest.seed}: ${slowest.milliseconds} ms`);
  t.true(memory < 800, `${memory} MB`);
});
