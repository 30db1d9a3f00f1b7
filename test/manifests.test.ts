// What the packages say of themselves: the one with CUDA is the platform's with another name, and nobody gets
// it who has not asked.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

import test from 'ava';

import {
  cudaManifest,
  cudaPackage,
  mainManifest,
  platformManifest,
  type Manifest,
} from '../scripts/manifests.js';

const checkout = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Manifest;
const platform = 'linux-x64-gnu';
const name = '@halfspace/linux-x64-gnu-cuda13';

test('the package with CUDA says what the package of the platform says, but for its name', (t) => {
  const needs = { glibc: '>=2.34' };
  const own = platformManifest(checkout, platform, needs);
  const cuda = cudaManifest(checkout, platform, needs);
  t.is(cuda?.name, name);
  t.regex(String(cuda?.['description']), /NVIDIA/);
  t.deepEqual({ ...cuda, name: own.name, description: own['description'] }, { ...own });
});

test('it is an optional peer of exactly this version, and no dependency', (t) => {
  const main = mainManifest(checkout);
  const of = (field: string) => (main[field] ?? {}) as Readonly<Record<string, unknown>>;
  t.is(of('peerDependencies')[name], checkout.version);
  t.deepEqual(of('peerDependenciesMeta')[name], { optional: true });
  t.false(name in of('dependencies'));
  t.false(name in of('optionalDependencies'));
});

test('a platform without CUDA has no such package', (t) => {
  t.is(cudaPackage('darwin-arm64'), null);
  t.is(cudaManifest(checkout, 'darwin-arm64'), null);
});

test('the package holds what a build from source takes, without tests and what only they use', async (t) => {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const cwd = new URL('..', import.meta.url);
  const { stdout } = await promisify(execFile)('npm', args, { cwd, maxBuffer: 1 << 24 });
  const [packed] = JSON.parse(stdout) as { readonly files: readonly { readonly path: string }[] }[];
  const paths = (packed?.files ?? []).map(({ path }) => path);
  for (const needed of ['CMakeLists.txt', 'native/addon.cpp', 'native/cuda/CMakeLists.txt']) {
    t.true(paths.includes(needed), needed);
  }
  t.deepEqual(
    paths.filter((path) => /^native\/(?:test|emulated_cuda)\//.test(path)),
    [],
  );
});
