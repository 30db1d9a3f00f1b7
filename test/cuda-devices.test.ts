// Which devices there are, and what is said where a GPU cannot be used: each reason in the words of the
// engine, with what helps. All of them come from the emulation, which plays the machine.

import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { cudaPackage } from '../scripts/manifests.js';
import { chooseDevice, type DeviceInfo } from '../lib/train/devices.js';
import { folders, halfspace } from './cli-process.js';
import { emulatedTest } from './cuda-device.js';

const fresh = folders();

type Environment = Readonly<Record<string, string>>;

const devicesIn = async (env: Environment): Promise<readonly DeviceInfo[]> => {
  const { stdout } = await halfspace(['devices', '--json'], { env });
  return (JSON.parse(stdout) as { readonly devices: readonly DeviceInfo[] }).devices;
};

emulatedTest('all GPUs are listed', async (t) => {
  const names = (await devicesIn({ HALFSPACE_EMULATED_CUDA_DEVICES: '3' })).map(({ name }) => name);
  t.deepEqual(names, ['cpu', 'cuda:0', 'cuda:1', 'cuda:2']);
});

const machines: Readonly<Record<string, readonly [Environment, RegExp]>> = {
  'without the engine': [
    { HALFSPACE_CUDA_LIBRARY: '/nowhere/halfspace_cuda.so' },
    /cannot be loaded: \/nowhere\/halfspace_cuda\.so.*install the package with CUDA \(`npm install @halfspace\/linux-x64-gnu-cuda13`/,
  ],
  'without a driver': [
    { HALFSPACE_EMULATED_CUDA_DRIVER: '0' },
    /no NVIDIA driver; install version 580 or later/,
  ],
  'with an old driver': [
    { HALFSPACE_EMULATED_CUDA_DRIVER: '12040' },
    /driver is too old: it supports CUDA 12\.4, this build needs 13\.0; install version 580 or later/,
  ],
  'with a driver and no GPU': [
    { HALFSPACE_EMULATED_CUDA_DEVICES: '0' },
    /a driver but no NVIDIA GPU that it may use; see nvidia-smi and CUDA_VISIBLE_DEVICES/,
  ],
  'whose driver and kernel do not fit': [
    { HALFSPACE_EMULATED_CUDA_FAULT: '803' },
    /cudaGetDeviceCount.*: system has unsupported display driver \/ cuda driver combination/,
  ],
  'with cuDNN for another CUDA': [
    { HALFSPACE_EMULATED_CUDA_CUDNN: '12090' },
    /cuDNN that was found is for CUDA 12\.9, this build needs the one for CUDA 13: libcudnn9-cuda-13/,
  ],
  'with an old GPU': [
    { HALFSPACE_EMULATED_CUDA_ARCH: '75' },
    /compute capability 7\.5, which is not supported: 8\.0 is the lowest; train on another GPU or with --device cpu/,
  ],
  'with a new GPU and a driver that cannot translate for it': [
    { HALFSPACE_EMULATED_CUDA_ARCH: '100', HALFSPACE_EMULATED_CUDA_RUNTIME: '13010' },
    /capability 10\.0, which is not supported: its driver for CUDA 13\.0 cannot translate code of CUDA 13\.1; install/,
  ],
};

for (const [kind, [env, expected]] of Object.entries(machines)) {
  emulatedTest(`a machine ${kind} says so`, async (t) => {
    const [cpu, ...others] = await devicesIn(env);
    t.true(cpu?.available);
    t.true(others.every(({ available }) => !available));
    t.regex(others[0]?.description ?? '', expected);
  });
}

emulatedTest('machine code needs no driver as new as the toolkit', async (t) => {
  const [, gpu] = await devicesIn({ HALFSPACE_EMULATED_CUDA_RUNTIME: '13010' });
  t.true(gpu?.available, gpu?.description);
});

test('the package that is named where there is no engine exists', (t) => {
  const source = readFileSync(new URL('../native/cuda_device.cpp', import.meta.url), 'utf8');
  t.regex(source, new RegExp(`npm install ${String(cudaPackage('linux-x64-gnu'))}`));
});

/** Compiles a shared library in `folder`, which needs the others that are named there. */
async function library(folder: string, name: string, source: string, ...needed: string[]): Promise<string> {
  const [text, file] = [join(folder, `${name}.c`), join(folder, name)];
  writeFileSync(text, source);
  const links = ['-Wl,--no-as-needed', `-L${folder}`, ...needed.map((each) => `-l:${each}`)];
  await promisify(execFile)('cc', ['-shared', '-fPIC', `-Wl,-soname,${name}`, '-o', file, text, ...links]);
  return file;
}

const EMPTY = 'int nothing;';

emulatedTest('an engine that was built from other sources is refused', async (t) => {
  const source = 'static const char* e[3] = {"other"}; void* halfspace_cuda_engine() { return e; }';
  const other = await library(fresh(), 'other.so', source);
  const [, cuda] = await devicesIn({ HALFSPACE_CUDA_LIBRARY: other });
  t.regex(cuda?.description ?? '', /built from other sources \(other\) than the addon \([0-9a-f]{16}\)/);
});

emulatedTest('a file that is no engine is refused', async (t) => {
  const none = await library(fresh(), 'none.so', EMPTY);
  const [, cuda] = await devicesIn({ HALFSPACE_CUDA_LIBRARY: none });
  t.regex(cuda?.description ?? '', /none\.so is not the CUDA engine of halfspace/);
});

/** A driver that the system's loader finds; it cannot be hidden from the test. */
const hasDriver = /libcuda\.so\.1/.test(spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }).stdout);

for (const [kind, driver, expected] of [
  ...(hasDriver
    ? []
    : [
        [
          'and without a driver',
          'libother.so',
          /; there is no NVIDIA driver either: .*, then cuDNN 9/,
        ] as const,
      ]),
  ['with a driver', 'libcuda.so.1', /; install cuDNN 9 and cuBLAS for CUDA 13, or name their folder/],
] as const) {
  emulatedTest(`a machine without cuDNN ${kind} says so`, async (t) => {
    const folder = fresh();
    const cudnn = await library(folder, 'libcudnn.so.9', EMPTY);
    const engine = await library(folder, 'engine.so', EMPTY, 'libcudnn.so.9');
    rmSync(cudnn);
    await library(folder, driver, EMPTY);
    const [, cuda] = await devicesIn({ HALFSPACE_CUDA_LIBRARY: engine, LD_LIBRARY_PATH: folder });
    t.regex(cuda?.description ?? '', /libcudnn\.so\.9: cannot open shared object file/);
    t.regex(cuda?.description ?? '', expected);
  });
}

const train = (device: string, env: Environment = {}) =>
  halfspace(
    ['train', 'demosupnet', '--data', 'sample', '--steps', '1', '--width', '4', '--device', device].concat(
      '--out',
      join(fresh(), 'run'),
    ),
    { env },
  );

emulatedTest('training on a GPU that is not there is an error', async (t) => {
  const { status, stderr } = await train('cuda:7');
  t.is(status, 1);
  t.regex(stderr, /device 'cuda:7': the last device is cuda:1/);
});

for (const [what, memory] of [
  ['parameters do', '1'],
  ['images do', '33'],
] as const) {
  emulatedTest(`a network whose ${what} not fit is an error that says what is free`, async (t) => {
    const { status, stderr } = await train('cuda', { HALFSPACE_EMULATED_CUDA_MEMORY: memory });
    t.is(status, 1);
    t.regex(stderr, /the GPU has no \d+ bytes left: \d+ of \d+ are free; a smaller batch needs less/);
  });
}

emulatedTest('a GPU without memory for the libraries is an error that says what helps', async (t) => {
  const { status, stderr } = await train('cuda', { HALFSPACE_EMULATED_CUDA_MEMORY: '0' });
  t.is(status, 1);
  t.regex(
    stderr,
    /cudnnCreate.*_FAILED \(no memory is left for a handle\); a smaller batch needs less, and nvidia-smi says who/,
  );
});

emulatedTest('workspaces take their share of the memory that images leave', async (t) => {
  const script = fileURLToPath(new URL('cuda-crowded.ts', import.meta.url));
  const env = { ...process.env, HALFSPACE_EMULATED_CUDA_MEMORY: '30', XDG_CACHE_HOME: fresh() };
  const { stdout } = await promisify(execFile)(process.execPath, ['--import=tsx', script], { env });
  t.is(stdout, 'true\n');
});

emulatedTest(
  'a search without memory for its operands says that, not that there is no algorithm',
  async (t) => {
    const { status, stderr } = await train('cuda', {
      HALFSPACE_EMULATED_CUDA_OFFER: '3',
      XDG_CACHE_HOME: fresh(),
    });
    t.is(status, 1);
    t.regex(stderr, /the GPU has no \d+ bytes left: \d+ of \d+ are free; a smaller batch needs less/);
  },
);

emulatedTest('a failure that lasts says that the process must be restarted', async (t) => {
  const { status, stderr } = await train('cuda', {
    HALFSPACE_EMULATED_CUDA_FORGET: '1',
    XDG_CACHE_HOME: fresh(),
  });
  t.is(status, 1);
  t.regex(stderr, /; this process can use the GPU no more: restart it/);
});

emulatedTest('inputs that cannot be locked in memory are an error that says what helps', async (t) => {
  const { status, stderr } = await train('cuda', { HALFSPACE_EMULATED_CUDA_PINNED: '0' });
  t.is(status, 1);
  t.regex(stderr, /this machine cannot lock \d+ bytes of its memory, .*; a smaller batch needs less/);
});

emulatedTest('auto falls back to the CPU and says why', async (t) => {
  const { status, stderr } = await train('auto', { HALFSPACE_EMULATED_CUDA_DRIVER: '0' });
  t.is(status, 0, stderr);
  t.regex(stderr, /device: cpu \(cuda: there is no NVIDIA driver; install version 580 or later\)/);
});

/** What test:gpu asks before it tests. */
function missingGpu(...devices: readonly DeviceInfo[]) {
  const script = fileURLToPath(new URL('../scripts/missing-gpu.ts', import.meta.url));
  const input = JSON.stringify({ devices });
  return spawnSync(process.execPath, ['--import=tsx', script], { input, encoding: 'utf8' });
}

test('test:gpu fails where no GPU was looked for, instead of testing nothing', (t) => {
  const withoutAddon = missingGpu({ ...cpu, available: false, description: 'there is no addon' });
  t.not(withoutAddon.status, 0);
  t.regex(withoutAddon.stderr, /no GPU was looked for: there is no addon/);
  t.not(missingGpu(cpu).status, 0);
});

test('test:gpu says why no GPU can be used, and nothing where one can', (t) => {
  const { status, stdout } = missingGpu(cpu, old);
  t.deepEqual([status, stdout], [0, 'an old GPU\n']);
  t.is(missingGpu(cpu, old, gpu).stdout, '');
});

const gpu = { name: 'cuda:0', available: true, description: 'a GPU' };
const old = { name: 'cuda:0', available: false, description: 'an old GPU' };
const cpu = { name: 'cpu', available: true, description: 'a processor' };

test('auto takes the first GPU that can be used', (t) => {
  const second = { ...gpu, name: 'cuda:1' };
  t.deepEqual(
    chooseDevice('auto', () => [cpu, old, second, { ...gpu, name: 'cuda:2' }]),
    {
      name: 'cuda:1',
      note: 'device: cuda:1, a GPU',
    },
  );
});

test('auto takes the CPU where no GPU can be used, and says why', (t) => {
  t.deepEqual(
    chooseDevice('auto', () => [cpu, old]),
    { name: 'cpu', note: 'device: cpu (cuda:0: an old GPU)' },
  );
});

test('a device that is named is not looked for', (t) => {
  const looked = (): never => t.fail();
  t.deepEqual(chooseDevice('cuda:1', looked), { name: 'cuda:1', note: null });
});
