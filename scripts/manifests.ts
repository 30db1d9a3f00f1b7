// What the published packages say about themselves, derived from the checkout's package.json and the
// loader's table of platforms. Pure: pack.ts does the work.
//
// No package has an install script, so none can fail or be blocked. The main package is JavaScript; an
// addon comes as an optional dependency of exactly the same version, chosen by npm through `os`, `cpu`
// and `libc`.

import { platformPackages } from '../lib/train/loader.js';

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly [field: string]: unknown;
}

type Versions = Readonly<Record<string, string>>;

export const SAMPLE = '@halfspace/sample';

/**
 * Platforms whose packages exist. Others stand in the loader's table and in `platforms`, but no
 * package may depend on one that a registry does not have.
 */
export const published: readonly string[] = ['linux-x64-gnu'];

/** Every platform that has a manifest. */
export const platforms: readonly string[] = Object.keys(platformPackages);

/** Needed only by who builds the addon from the sources in the package. */
const buildTools = ['cmake-js', 'node-addon-api', 'node-api-headers'] as const;

/** Fields that the published manifest takes over as they are. */
const kept = [
  'description',
  'keywords',
  'license',
  'type',
  'engines',
  'bin',
  'exports',
  'files',
  'gypfile',
  'binary',
] as const;

const pick = (source: Manifest, fields: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(fields.filter((field) => field in source).map((field) => [field, source[field]]));

export const platformPackage = (platform: string): string =>
  platformPackages[platform]?.at(-1)?.name as string;

/** The package of a platform that has the engine for GPUs too; null where there is none. */
export function cudaPackage(platform: string): string | null {
  const packages = platformPackages[platform] ?? [];
  return packages.length > 1 ? (packages[0]?.name as string) : null;
}

/** Packages with another engine, which the user adds by hand: npm cannot tell who has a GPU. */
const extraPackages: readonly string[] = platforms
  .map(cudaPackage)
  .filter((name): name is string => name !== null);

export function mainManifest(checkout: Manifest): Manifest {
  const { name, version } = checkout;
  const development = checkout['devDependencies'] as Versions;
  const tools = Object.fromEntries(buildTools.map((tool) => [tool, development[tool] as string]));
  const exact = (names: readonly string[]): Versions =>
    Object.fromEntries(names.map((each) => [each, version]));
  const peers = { ...(checkout['peerDependencies'] as Versions), ...exact(extraPackages), ...tools };
  return {
    name,
    version,
    ...pick(checkout, kept),
    scripts: { 'build:native': (checkout['scripts'] as Versions)['build:native'] },
    dependencies: { ...(checkout['dependencies'] as Versions), ...exact([SAMPLE]) },
    optionalDependencies: exact(published.map(platformPackage)),
    peerDependencies: peers,
    peerDependenciesMeta: Object.fromEntries(Object.keys(peers).map((peer) => [peer, { optional: true }])),
  };
}

/**
 * The addon and the libraries that it needs, for one platform as `linux-x64-gnu`; `config` says which releases
 * of the system's libraries it takes.
 */
export function platformManifest(checkout: Manifest, platform: string, config?: Versions): Manifest {
  const [os, cpu, libc] = platform.split('-') as [string, string, string | undefined];
  return {
    name: platformPackage(platform),
    version: checkout.version,
    description: `The native addon of ${checkout.name} for ${platform}`,
    ...pick(checkout, ['license', 'engines']),
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc === 'gnu' ? 'glibc' : libc] }),
    ...(config && { config }),
    type: 'commonjs',
    main: 'halfspace.node',
    exports: { '.': './halfspace.node', './package.json': './package.json' },
    preferUnplugged: true,
    gypfile: false,
  };
}

/** The package of the platform with the engine for GPUs beside the addon, or null; it takes its place. */
export function cudaManifest(checkout: Manifest, platform: string, config?: Versions): Manifest | null {
  const name = cudaPackage(platform);
  if (name === null) return null;
  return {
    ...platformManifest(checkout, platform, config),
    name,
    description: `The native addon of ${checkout.name} for ${platform}, with the engine for NVIDIA GPUs`,
  };
}

/** The images that the first command trains on. */
export const sampleManifest = (checkout: Manifest): Manifest => ({
  name: SAMPLE,
  version: checkout.version,
  description: `A sample of Fashion-MNIST, so that the first command of ${checkout.name} works offline`,
  license: 'MIT',
  type: 'commonjs',
  files: ['*.gz'],
  exports: { './package.json': './package.json' },
});
