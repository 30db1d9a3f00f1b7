// Finds the addon: the file that HALFSPACE_NATIVE names, or else a build in this folder, or else the
// package for this platform. What the addon offers is native.ts's matter.
//
// Every failure is kept, so that whoever ends up without an addon reads in one message what was tried
// and what would help.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { familySync, MUSL } from 'detect-libc';

import { HalfspaceError } from '../errors.js';

/** A place to load from. */
export interface Candidate {
  readonly name: string;
  readonly load: () => unknown;
}

/** Why a candidate gave nothing. */
export interface Failure {
  readonly candidate: string;
  /** Node's code of the error, or ''. */
  readonly code: string;
  readonly message: string;
}

export interface Loaded {
  readonly addon: unknown;
  /** Name of the candidate that it came from. */
  readonly source: string;
  /** What was tried before. */
  readonly failures: readonly Failure[];
}

const require = createRequire(import.meta.url);

/**
 * The packages of each platform, first choice first: one with CUDA is there only if the user added it,
 * and holds the CPU engine as well. Requires of literal strings, so that bundlers and tracers see them.
 */
export const platformPackages: Readonly<Record<string, readonly Candidate[]>> = {
  'linux-x64-gnu': [
    {
      name: '@halfspace/linux-x64-gnu-cuda13',
      load: () => require('@halfspace/linux-x64-gnu-cuda13') as unknown,
    },
    { name: '@halfspace/linux-x64-gnu', load: () => require('@halfspace/linux-x64-gnu') as unknown },
  ],
  'linux-x64-musl': [
    { name: '@halfspace/linux-x64-musl', load: () => require('@halfspace/linux-x64-musl') as unknown },
  ],
  'linux-arm64-gnu': [
    { name: '@halfspace/linux-arm64-gnu', load: () => require('@halfspace/linux-arm64-gnu') as unknown },
  ],
  'darwin-arm64': [
    { name: '@halfspace/darwin-arm64', load: () => require('@halfspace/darwin-arm64') as unknown },
  ],
  'win32-x64': [{ name: '@halfspace/win32-x64', load: () => require('@halfspace/win32-x64') as unknown }],
};

/** As the packages name it: `linux-x64-gnu`, `darwin-arm64`. */
export function platformKey(): string {
  const { platform, arch } = process;
  if (platform !== 'linux') return `${platform}-${arch}`;
  return `linux-${arch}-${familySync() === MUSL ? 'musl' : 'gnu'}`;
}

// From lib/train and from dist/train alike.
const BUILT = fileURLToPath(new URL('../../build/cmake/Release/halfspace.node', import.meta.url));

/** Being absent is no news for a local build where a package was installed. */
const file = (name: string, path: string): Candidate => ({
  name,
  load: () => {
    if (existsSync(path)) return require(path) as unknown;
    throw Object.assign(new Error(`there is none at ${path}`), { code: 'ENOENT' });
  },
});

/** Whoever names a file gets that file or none: falling back would hide the mistake. */
export function candidates(): readonly Candidate[] {
  const named = process.env['HALFSPACE_NATIVE'];
  if (named !== undefined) return [file('HALFSPACE_NATIVE', named)].map(matching);
  return [file('local build', BUILT), ...(platformPackages[platformKey()] ?? [])].map(matching);
}

/**
 * What the functions of the addon and the encoding of programs are like; `kBoundary` of native/addon.cpp is the
 * same number. Raise both where either changes, so that files of two versions are told from each other.
 */
const BOUNDARY = 5;

const MISMATCH = 'ERR_BOUNDARY';

/** The same candidate, refused where its addon and this library were not made for each other. */
export const matching = ({ name, load }: Candidate): Candidate => ({
  name,
  load: () => {
    const addon = load();
    const { boundary: arrived = 'older than 2' } = addon as { readonly boundary?: number };
    if (arrived === BOUNDARY) return addon;
    const versions = `the version of its boundary is ${arrived}, this library's is ${BOUNDARY}`;
    throw Object.assign(new Error(versions), { code: MISMATCH });
  },
});

/** The first of `from` that loads. Throws ERR_DEVICE with all that was tried where none does. */
export function loadAddon(from: readonly Candidate[] = candidates()): Loaded {
  const failures: Failure[] = [];
  for (const { name, load } of from) {
    try {
      return { addon: load(), source: name, failures };
    } catch (error) {
      failures.push(describe(name, error as NodeJS.ErrnoException));
    }
  }
  throw new HalfspaceError('ERR_DEVICE', explain(platformKey(), failures));
}

const describe = (candidate: string, error: NodeJS.ErrnoException): Failure => ({
  candidate,
  code: error.code ?? '',
  message: (error.message.split('\n')[0] as string).replace(/^Cannot find module .*/, 'not installed'),
});

/** The message for people: what was tried, then what would help, the likeliest remedy first. */
export function explain(platform: string, failures: readonly Failure[]): string {
  const tried = failures.map(
    ({ candidate, code, message }) => `  ${candidate}: ${message}${code === '' ? '' : ` (${code})`}`,
  );
  const help = remedies(platform, failures).map((remedy) => `  - ${remedy}`);
  return [
    `the native addon for ${platform} cannot be loaded. Tried:`,
    ...tried,
    'What helps:',
    ...help,
    'Afterwards `npx halfspace doctor` says what is used.',
  ].join('\n');
}

function remedies(platform: string, failures: readonly Failure[]): readonly string[] {
  const applying = symptoms.filter(({ applies }) => failures.some(applies)).map(({ remedy }) => remedy);
  return [...applying, ...installing(platform), BUILD];
}

const BUILD =
  'build it, which takes a C++20 compiler, CMake, oneDNN and libjpeg-turbo: ' +
  '`npm install cmake-js node-addon-api node-api-headers`, then `npm explore halfspace -- npm run build:native` ' +
  '(in a checkout: `npm run setup`)';

/** What an error itself tells. */
const symptoms: readonly { readonly applies: (failure: Failure) => boolean; readonly remedy: string }[] = [
  {
    applies: ({ candidate }) => candidate === 'HALFSPACE_NATIVE',
    remedy:
      'correct or unset the environment variable HALFSPACE_NATIVE; while it is set, nothing else is tried',
  },
  {
    applies: ({ code }) => code === MISMATCH,
    remedy:
      'make the addon and the library one version: `npm run build:native` in a checkout (and `npm run build:ts` where ' +
      'dist is used), `npm install halfspace` for packages',
  },
  {
    applies: ({ code }) => code === 'ERR_DLOPEN_DISABLED',
    remedy: 'start Node without --no-addons',
  },
  {
    applies: ({ message }) => /GLIBC(XX)?_/.test(message),
    remedy: 'use a newer distribution: the C or C++ library of this one is older than the package needs',
  },
  {
    applies: ({ message }) => /cannot open shared object file/.test(message),
    remedy: 'install the package afresh: a library that belongs beside the addon is missing',
  },
];

/** How to get the package, if there is one. */
function installing(platform: string): readonly string[] {
  const name = platformPackages[platform]?.at(-1)?.name;
  if (name === undefined) return [`there is no package for ${platform}`];
  const [os, cpu, libc] = platform.split('-') as [string, string, string | undefined];
  const target = [
    `--os=${os}`,
    `--cpu=${cpu}`,
    ...(libc ? [`--libc=${libc === 'gnu' ? 'glibc' : libc}`] : []),
  ];
  return [
    `install ${name}, an optional dependency: \`npm install --include=optional\``,
    'if the lockfile was made on another platform, delete it together with node_modules and install again',
    `if node_modules is made elsewhere for this machine: \`npm install ${target.join(' ')}\``,
  ];
}
