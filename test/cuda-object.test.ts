// The CUDA engine as nvcc built it, where it did: what the shared object holds and exports, that it loads
// without a driver, and what ptxas reports of its kernels.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import test from 'ava';

import { parsePtxas, readPtxas } from '../scripts/ptxas.js';

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const object = path('build/cmake/Release/halfspace_cuda.so');
const built = existsSync(object) && existsSync(path('build/cuda/ptxas.txt'));

const whereBuilt = built ? test : test.skip;
if (!built) test('nvcc built no CUDA engine here: see `npm run build:cuda`', (t) => t.pass());

test('a report of ptxas is read kernel by kernel', (t) => {
  const text = [
    'ptxas info    : 0 bytes gmem',
    "ptxas info    : Compiling entry function '_Z3addv' for 'sm_90'",
    'ptxas info    : Function properties for _Z3addv',
    '    16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads',
    'ptxas info    : Used 40 registers, used 1 barriers, 4096 bytes smem, 456 bytes cmem[0]',
    "ptxas info    : Compiling entry function '_Z4copyv' for 'sm_80'",
    'ptxas info    : Function properties for _Z4copyv',
    '    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads',
    'ptxas info    : Used 8 registers, used 0 barriers, 352 bytes cmem[0]',
  ].join('\n');
  t.deepEqual(parsePtxas(text), [
    {
      kernel: '_Z3addv',
      architecture: 'sm_90',
      registers: 40,
      barriers: 1,
      sharedBytes: 4096,
      stackBytes: 16,
      spilledBytes: 20,
    },
    {
      kernel: '_Z4copyv',
      architecture: 'sm_80',
      registers: 8,
      barriers: 0,
      sharedBytes: 0,
      stackBytes: 0,
      spilledBytes: 0,
    },
  ]);
});

test('a report without registers is refused', (t) => {
  t.throws(() => parsePtxas("Compiling entry function '_Z3addv' for 'sm_90'\n"), {
    message: /^ptxas reports in an unknown form/,
  });
});

whereBuilt('no kernel spills, and every kernel is there for both architectures', (t) => {
  const kernels = readPtxas(path('build/cuda'));
  t.deepEqual(
    kernels.filter(({ spilledBytes, stackBytes }) => spilledBytes > 0 || stackBytes > 0),
    [],
  );
  const of = (wanted: string) =>
    kernels.filter(({ architecture }) => architecture === wanted).map(({ kernel }) => kernel);
  t.true(of('sm_90').length > 100);
  t.deepEqual(of('sm_80'), of('sm_90'));
});

whereBuilt('machine code for sm_80 and sm_90 and PTX for what comes after is inside', (t) => {
  t.deepEqual(codeOf(readFileSync(object)), ['machine code 80', 'machine code 90', 'ptx 90']);
});

whereBuilt('one symbol is exported', (t) => {
  const symbols = execFileSync('nm', ['-D', '--defined-only', object], { encoding: 'utf8' });
  t.regex(symbols, /^\S+ T halfspace_cuda_engine\n$/);
});

whereBuilt('it loads, and says what is missing where there is no GPU', (t) => {
  const [cuda] = devices({ HALFSPACE_CUDA_LIBRARY: object });
  t.truthy(cuda);
  if (cuda?.available)
    t.regex(cuda.description, /compute capability .*, driver for CUDA [\d.]+, cuDNN [\d.]+$/);
  else t.regex(cuda?.description ?? '', /^there is no NVIDIA driver; install version \d+ or later$/);
});

interface Found {
  readonly name: string;
  readonly available: boolean;
  readonly description: string;
}

/** The devices but the CPU, as a fresh process sees them. */
function devices(env: Readonly<Record<string, string>>): readonly Found[] {
  const output = execFileSync(
    process.execPath,
    ['--import', 'tsx', path('lib/cli/main.ts'), 'devices', '--json'],
    { encoding: 'utf8', env: { ...process.env, ...env } },
  );
  const found = (JSON.parse(output) as { readonly devices: readonly Found[] }).devices;
  return found.filter(({ name }) => name !== 'cpu');
}

/** Kinds and architectures of the code in a shared object: what `cuobjdump` lists, by the same headers. */
function codeOf(file: Buffer): readonly string[] {
  const MAGIC = Buffer.from('50ed55ba', 'hex');
  const found = new Set<string>();
  for (let at = file.indexOf(MAGIC); at >= 0; at = file.indexOf(MAGIC, at + 1)) {
    let entry = at + file.readUInt16LE(at + 6);
    const end = entry + Number(file.readBigUInt64LE(at + 8));
    while (entry < end) {
      const kind = file.readUInt16LE(entry) === 1 ? 'ptx' : 'machine code';
      found.add(`${kind} ${file.readUInt32LE(entry + 28)}`);
      entry += file.readUInt32LE(entry + 4) + Number(file.readBigUInt64LE(entry + 8));
    }
  }
  return [...found].toSorted();
}
