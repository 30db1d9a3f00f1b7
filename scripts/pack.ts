// Packs what was built and can be published from this machine into build/packages/*.tgz: the main
// package, the sample, and the package for the platform that it runs on. What each says of itself is in
// manifests.ts.
//
//     npm run pack

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { listDevices } from '../lib/train/devices.js';
import { platformKey } from '../lib/train/loader.js';
import {
  cudaManifest,
  cudaPackage,
  mainManifest,
  platformManifest,
  platformPackage,
  platforms,
  published,
  sampleManifest,
  type Manifest,
} from './manifests.js';
import { newestVersion } from './symbol-versions.js';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const OUT = 'build/packages';
const BUILD = 'build/cmake';
const CUDA_BUILD = 'build/cuda';
const CUDA_ENGINE = join(BUILD, 'Release/halfspace_cuda.so');
const ASSETS = 'assets/fashion-mnist-sample';

/** Libraries that a platform package carries, and where Debian keeps their licences. */
const licences: Readonly<Record<string, string>> = {
  'libdnnl.so.2': '/usr/share/doc/libdnnl2/copyright',
  'libjpeg.so.62': '/usr/share/doc/libjpeg62-turbo/copyright',
  'libOpenCL.so.1': '/usr/share/doc/ocl-icd-libopencl1/copyright',
  'libgomp.so.1': '/usr/share/doc/libgomp1/copyright',
};

const run = (command: string, ...args: readonly string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** An empty folder for the package of `manifest`, with its package.json. */
function stage(manifest: Manifest): string {
  const folder = join(OUT, 'staged', manifest.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return folder;
}

function stageMain(checkout: Manifest): string {
  const folder = stage(mainManifest(checkout));
  for (const path of [
    'dist',
    'native',
    'CMakeLists.txt',
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
    'config.schema.json',
  ]) {
    cpSync(path, join(folder, path), { recursive: true });
  }
  return folder;
}

function stageSample(checkout: Manifest): string {
  const folder = stage(sampleManifest(checkout));
  cpSync(ASSETS, folder, { recursive: true });
  return folder;
}

function stagePlatform(checkout: Manifest, platform: string): string {
  const gathered = gather([BUILD, 'package']);
  return stageNative(gathered, (needs) => platformManifest(checkout, platform, needs));
}

/** What the platform's package holds, and the engine for GPUs. */
function stageCuda(checkout: Manifest, platform: string): string {
  const gathered = gather([BUILD, 'package'], [CUDA_BUILD, 'cuda']);
  return stageNative(gathered, (needs) => cudaManifest(checkout, platform, needs) as Manifest, CUDA_NOTE);
}

const CUDA_NOTE = `
On a GPU it also takes an NVIDIA driver of version 580 or later, cuDNN 9 and cuBLAS for CUDA 13, which are not inside: see
docs/cuda.md of the project. Without them it works as the package without GPUs does.
`;

/** A folder with the installed components of builds. */
function gather(...components: readonly (readonly [build: string, component: string])[]): string {
  const folder = join(OUT, 'gathered');
  rmSync(folder, { recursive: true, force: true });
  for (const [build, component] of components) {
    run('cmake', '--install', build, '--prefix', folder, '--component', component, '--strip');
  }
  return folder;
}

function stageNative(gathered: string, manifestOf: (needs: Needs) => Manifest, note = ''): string {
  const needs = systemNeeds(gathered);
  const manifest = manifestOf(needs);
  const folder = stage(manifest);
  const libraries = copyLibraries(gathered, folder);
  for (const library of libraries) copyLicence(library, folder);
  writeFileSync(join(folder, 'README.md'), nativeReadme(manifest, libraries, needs, note));
  cpSync('LICENSE', join(folder, 'LICENSE'));
  return folder;
}

type Needs = Readonly<Record<string, string>>;

/** What the binaries in a folder ask of the C and C++ libraries of the system. */
function systemNeeds(folder: string): Needs {
  const files = readdirSync(folder).map((name) => join(folder, name));
  const needs = { glibc: newestVersion(files, 'GLIBC'), glibcxx: newestVersion(files, 'GLIBCXX') };
  return Object.fromEntries(Object.entries(needs).map(([name, version]) => [name, `>=${version ?? 0}`]));
}

/** Copies files under the names that the addon asks for (npm packs no links), and names the libraries. */
function copyLibraries(from: string, to: string): readonly string[] {
  const entries = readdirSync(from, { withFileTypes: true });
  const links = entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name);
  const plain = entries.map(({ name }) => name).filter((name) => !links.some((l) => name.startsWith(l)));
  for (const name of [...links, ...plain]) cpSync(join(from, name), join(to, name), { dereference: true });
  return [...links, ...plain].filter((name) => !own.has(name));
}

/** Files that are ours. */
const own: ReadonlySet<string> = new Set(['halfspace.node', basename(CUDA_ENGINE)]);

function copyLicence(library: string, folder: string): void {
  const source = licences[library];
  if (source === undefined || !existsSync(source)) {
    throw new Error(`no licence text is known for ${library}, which would go into ${folder}`);
  }
  cpSync(source, join(folder, 'licences', `${library}.txt`));
}

function nativeReadme(
  manifest: Manifest,
  libraries: readonly string[],
  { glibc, glibcxx }: Needs,
  note: string,
): string {
  const carried = libraries.map((library) => `- \`${library}\`: [licence](licences/${library}.txt)\n`);
  return `# ${manifest.name}

${String(manifest['description'])}: see [its documents](https://www.npmjs.com/package/halfspace). It takes a C library
glibc ${glibc} and a C++ library with GLIBCXX ${glibcxx}.
${note}
Licence: ${String(manifest['license'])}. Libraries carried along, unchanged:

${carried.join('')}`;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

/** Packs a staged folder and tells its sizes. */
function pack(folder: string): void {
  const [{ name, filename, size, unpackedSize }] = JSON.parse(
    run('npm', 'pack', `./${folder}`, '--pack-destination', OUT, '--json', '--ignore-scripts'),
  ) as [{ name: string; filename: string; size: number; unpackedSize: number }];
  console.log(
    `${name}: ${megabytes(size)} packed, ${megabytes(unpackedSize)} unpacked, ${basename(filename)}`,
  );
}

function packAll(): void {
  mkdirSync(OUT, { recursive: true });
  for (const file of readdirSync(OUT)) if (file.endsWith('.tgz')) rmSync(join(OUT, file));
  const checkout = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
  const here = platformKey();
  pack(stageMain(checkout));
  pack(stageSample(checkout));
  if (published.includes(here)) {
    pack(stagePlatform(checkout, here));
    packCuda(checkout, here);
  }
  for (const platform of platforms.filter((each) => each !== here)) {
    const folder = stage(platformManifest(checkout, platform));
    console.log(`${platformPackage(platform)}: not built here, manifest in ${folder}`);
  }
}

/** The package with the engine for GPUs, where nvcc built one of these sources. */
function packCuda(checkout: Manifest, platform: string): void {
  const name = cudaPackage(platform);
  if (name === null) return;
  const missing = existsSync(CUDA_ENGINE) ? strangeness() : 'see `npm run build:cuda`';
  if (missing === null) return pack(stageCuda(checkout, platform));
  const folder = stage(cudaManifest(checkout, platform) as Manifest);
  console.log(`${name}: not built (${missing}), manifest in ${folder}`);
}

/** Why the engine beside the addon does not belong to it; null where it does. */
const strangeness = (): string | null =>
  listDevices().find(({ description }) => description.includes('built from other sources'))?.description ??
  null;

packAll();
