// Packs what was built and can be published from this machine into build/packages/*.tgz: the main
// package, the sample, and the package for the platform that it runs on. What each says of itself is in
// manifests.ts.
//
//     npm run pack

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { platformKey } from '../lib/train/loader.js';
import {
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
  const gathered = join(OUT, 'gathered');
  rmSync(gathered, { recursive: true, force: true });
  run('cmake', '--install', BUILD, '--prefix', gathered, '--component', 'package', '--strip');
  const needs = systemNeeds(gathered);
  const folder = stage(platformManifest(checkout, platform, needs));
  const libraries = copyLibraries(gathered, folder);
  for (const library of libraries) copyLicence(library, folder);
  writeFileSync(join(folder, 'README.md'), platformReadme(checkout, platform, libraries, needs));
  cpSync('LICENSE', join(folder, 'LICENSE'));
  return folder;
}

/** What the binaries in a folder ask of the C and C++ libraries of the system. */
function systemNeeds(folder: string): Readonly<Record<string, string>> {
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
  return [...links, ...plain].filter((name) => !name.endsWith('.node'));
}

function copyLicence(library: string, folder: string): void {
  const source = licences[library];
  if (source === undefined || !existsSync(source)) {
    throw new Error(`no licence text is known for ${library}, which would go into ${folder}`);
  }
  cpSync(source, join(folder, 'licences', `${library}.txt`));
}

function platformReadme(
  checkout: Manifest,
  platform: string,
  libraries: readonly string[],
  { glibc, glibcxx }: Readonly<Record<string, string>>,
): string {
  const carried = libraries.map((library) => `- \`${library}\`: [licence](licences/${library}.txt)\n`);
  return `# ${platformPackage(platform)}

The native addon of [${checkout.name}](https://www.npmjs.com/package/${checkout.name}) for ${platform}. Install
${checkout.name}, which brings this package where it fits. It takes a C library glibc ${glibc} and a C++ library
with GLIBCXX ${glibcxx}.

Licence: ${String(checkout['license'])}. Libraries carried along, unchanged:

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
  if (published.includes(here)) pack(stagePlatform(checkout, here));
  for (const platform of platforms.filter((each) => each !== here)) {
    const folder = stage(platformManifest(checkout, platform));
    console.log(`${platformPackage(platform)}: not built here, manifest in ${folder}`);
  }
}

packAll();
