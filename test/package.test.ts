// The packages as a user gets them: packed, installed without scripts into an empty folder, run with a
// PATH that has no compiler and, where mount namespaces are allowed, with the system's oneDNN hidden.

import {
  execFileSync,
  spawn,
  spawnSync,
  type ExecFileSyncOptions,
  type SpawnSyncReturns,
} from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test, { type ExecutionContext } from 'ava';

import { cudaPackage, platformPackage, published } from '../scripts/manifests.js';
import { compareVersions } from '../scripts/symbol-versions.js';
import { platformKey } from '../lib/train/loader.js';
import { packedManifest, serveRegistry } from './loopback-registry.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const platform = platformKey();

/** Where no package can be built, there is nothing to install. */
const serial = published.includes(platform) ? test.serial : test.serial.skip;

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'halfspace-package-')));
const commands = join(folder, 'bin');
const app = join(folder, 'app');
const pnpmApp = join(folder, 'pnpm-app');
const installed = (name: string): string => join(app, 'node_modules', name);

test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** Tarballs of the checkout's TypeScript and of the addon that is built there. */
function pack(): readonly string[] {
  const options: ExecFileSyncOptions = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] };
  execFileSync('npm', ['run', '--silent', 'build:ts'], options);
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/pack.ts'], options);
  const packed = join(root, 'build/packages');
  return readdirSync(packed)
    .filter((name) => name.endsWith('.tgz'))
    .map((name) => join(packed, name));
}

/** A folder of commands: Node, npm and a shell, and no compiler. */
function linkCommands(): void {
  mkdirSync(commands);
  const tools = dirname(process.execPath);
  symlinkSync(process.execPath, join(commands, 'node'));
  for (const name of ['npm', 'npx']) symlinkSync(realpathSync(join(tools, name)), join(commands, name));
  symlinkSync('/bin/sh', join(commands, 'sh'));
}

const hidden = ['libdnnl.so.2', 'libOpenCL.so.1', 'libgomp.so.1']
  .map((name) => `/usr/lib/x86_64-linux-gnu/${name}`)
  .filter((path) => existsSync(path));

/** Arguments of `unshare` that let this user mount; null where the system allows none. */
const namespace =
  [['-m'], ['-rm']].find((options) => spawnSync('unshare', [...options, 'true']).status === 0) ?? null;

/** Runs a command of `app` in a system without compilers and, if it may be, without oneDNN. */
const bare = (...command: readonly string[]): SpawnSyncReturns<string> => bareIn(app, ...command);

function bareIn(cwd: string, ...command: readonly string[]): SpawnSyncReturns<string> {
  const env = { PATH: commands, HOME: folder, npm_config_offline: 'true' };
  const mounts = hidden.map((path) => `mount --bind /dev/null ${realpathSync(path)}`).join(' && ');
  const script = `${mounts} && PATH=${commands} && exec "$@"`;
  const [file, args] = namespace
    ? [
        '/usr/bin/unshare',
        [...namespace, '/bin/sh', '-c', `PATH=/usr/bin:/bin && ${script}`, 'sh', ...command],
      ]
    : ['/usr/bin/env', command];
  return spawnSync(file, args, { cwd, env, encoding: 'utf8' });
}

function succeeds(t: ExecutionContext, outcome: SpawnSyncReturns<string>): string {
  t.is(outcome.status, 0, `${outcome.stderr}${String(outcome.error ?? '')}`);
  return outcome.stdout;
}

let tarballs: readonly string[] = [];
let asked: readonly string[] = [];
const main = (): string => tarballs.find((path) => packedManifest(path).name === 'halfspace') as string;

/** Installs the main package's tarball; its scoped dependencies come from a registry of our own. */
async function install(cwd: string, file: string, ...args: readonly string[]): Promise<void> {
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'package.json'), '{ "name": "app", "private": true }\n');
  const registry = await serveRegistry(tarballs.filter((path) => path !== main()));
  writeFileSync(join(cwd, '.npmrc'), `@halfspace:registry=${registry.url}\n`);
  const tool = spawn(file, [...args, main(), '--ignore-scripts'], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = (await once(tool, 'close')) as [number | null];
  asked = registry.asked;
  registry.close();
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with status ${status}`);
}

test.before(async (t) => {
  t.timeout(1_200_000);
  if (!published.includes(platform)) return t.log(`skipped: there is no package for ${platform}`);
  tarballs = pack();
  linkCommands();
  await install(app, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline');
});

serial(
  'everything that this machine can build is packed, without a script that an install would run',
  (t) => {
    const manifests = tarballs.map(packedManifest);
    const names = manifests.map(({ name }) => name).toSorted();
    t.deepEqual(
      names.filter((name) => name !== cudaPackage(platform)),
      ['@halfspace/linux-x64-gnu', '@halfspace/sample', 'halfspace'],
    );
    for (const { scripts = {}, name } of manifests) {
      const ran = Object.keys(scripts as object).filter((script) => /install|prepare|publish/.test(script));
      t.deepEqual(ran, [], name);
    }
    t.notRegex(execFileSync('tar', ['-tzf', main()], { encoding: 'utf8' }), /binding\.gyp|\.[jt]s\.map$/m);
  },
);

/** Bytes of a packed package. */
const size = (name: string): number =>
  statSync(tarballs.find((path) => packedManifest(path).name === name) as string).size;

/** Bytes of all files of an installed package. */
const unpacked = (name: string): number =>
  readdirSync(installed(name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name: file }) => sum + statSync(join(parentPath, file)).size, 0);

serial('the packages are as small as promised', (t) => {
  t.true(size('halfspace') < 1e6 && unpacked('halfspace') < 2e6);
  // The aim is 40 MB. oneDNN alone, as Debian builds it, is 39.6; without its GPU half it would be a third of that.
  t.true(size(platformPackage(platform)) < 15e6 && unpacked(platformPackage(platform)) < 43e6);
});

serial('the package says truly how old a system may be', (t) => {
  const home = installed(platformPackage(platform));
  const { config } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
    config: { glibc: string; glibcxx: string };
  };
  for (const file of readdirSync(home).filter((name) => /\.node$|\.so/.test(name))) {
    // Only what is needed, not what a library offers itself.
    const needs = execFileSync('readelf', ['--version-info', '--wide', join(home, file)], {
      encoding: 'utf8',
    }).replace(/[^]*\.gnu\.version_r/, '');
    for (const [, series, version] of needs.matchAll(/Name: (GLIBC|GLIBCXX)_([0-9.]+)/g)) {
      const promised = (series === 'GLIBC' ? config.glibc : config.glibcxx).slice('>='.length);
      t.true(compareVersions(version as string, promised) <= 0, `${file} needs ${series} ${version}`);
    }
  }
});

/** Runs a tool of the checkout and fails with what it prints. */
function passes(t: ExecutionContext, tool: string, ...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', tool), args, {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  t.is(status, 0, stdout + stderr);
}

serial('publint has nothing against any package', (t) => {
  for (const tarball of tarballs) passes(t, 'publint', '--strict', tarball);
});

serial('the types are where every resolver of modules looks for them', (t) => {
  passes(t, 'attw', main(), '--profile', 'esm-only');
});

serial('npm installs the package of this platform and no other, CUDA neither', (t) => {
  t.true(asked.includes(platformPackage(platform)));
  t.deepEqual(readdirSync(installed('@halfspace')).toSorted(), ['linux-x64-gnu', 'sample'], asked.join(', '));
  t.true(existsSync(installed(`${platformPackage(platform)}/halfspace.node`)));
});

serial('the addon and its libraries come out of the package', (t) => {
  t.timeout(300_000);
  const found = JSON.parse(succeeds(t, bare('npx', 'halfspace', 'doctor', '--json'))) as {
    addon: { source: string; files: string[] };
  };
  t.is(found.addon.source, platformPackage(platform));
  t.is(found.addon.files.length, 4);
  for (const file of found.addon.files) t.true(file.startsWith(installed(platformPackage(platform))), file);
  if (!namespace) t.log('mount namespaces are not allowed here: the system libraries were not hidden');
});

serial('a network trains on the sample', (t) => {
  t.timeout(600_000);
  const args = ['train', 'demosupnet', '--data', 'sample', '--steps', '5', '--width', '8', '--out', 'run'];
  succeeds(t, bare('npx', 'halfspace', ...args));
  t.true(existsSync(join(app, 'run', 'summary.json')));
});

const PRINT = 'console.log(typeof search, modelNames.length > 0)';

serial('import and require both give the library', (t) => {
  t.timeout(300_000);
  const imports = `import { search } from 'halfspace'; import { modelNames } from 'halfspace/models'; ${PRINT}`;
  const requires = `const { search } = require('halfspace'); const { modelNames } = require('halfspace/models'); ${PRINT}`;
  t.is(succeeds(t, bare('node', '--input-type=module', '-e', imports)), 'function true\n');
  t.is(succeeds(t, bare('node', '--input-type=commonjs', '-e', requires)), 'function true\n');
});

for (const [module, moduleResolution] of [
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
] as const) {
  serial(`a program compiles against the types with moduleResolution ${moduleResolution}`, (t) => {
    t.timeout(300_000);
    writeFileSync(join(app, 'consumer.mts'), readFileSync(join(root, 'test/types/consumer.ts')));
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable', 'dom'],
      types: [],
      strict: true,
      noEmit: true,
    };
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.mts'] }));
    const tsc = join(root, 'node_modules/@typescript/native/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', app], { encoding: 'utf8' });
    t.is(status, 0, stdout);
  });
}

serial('pnpm, whose folders are strict, installs it just as well', async (t) => {
  t.timeout(600_000);
  const pnpm = join(root, 'node_modules/pnpm/bin/pnpm.cjs');
  const store = `--store-dir=${join(folder, 'store')}`;
  await install(pnpmApp, process.execPath, pnpm, 'add', store, '--prefer-offline');
  const imports = `import { search } from 'halfspace'; import { modelNames } from 'halfspace/models'; ${PRINT}`;
  t.is(succeeds(t, bareIn(pnpmApp, 'node', '--input-type=module', '-e', imports)), 'function true\n');
  const doctor = bareIn(pnpmApp, 'node', 'node_modules/halfspace/dist/cli/main.js', 'doctor', '--json');
  const { addon } = JSON.parse(succeeds(t, doctor)) as { addon: { source: string; files: string[] } };
  t.is(addon.source, platformPackage(platform));
  for (const file of addon.files) t.true(realpathSync(file).startsWith(pnpmApp), file);
});

serial('without its optional dependency the library says what is missing and what helps', (t) => {
  t.timeout(300_000);
  renameSync(installed(platformPackage(platform)), join(folder, 'away'));
  const { status, stderr } = bare('npx', 'halfspace', 'doctor');
  t.is(status, 1);
  t.regex(stderr, /native addon for linux-x64-gnu cannot be loaded/);
  t.regex(stderr, /@halfspace\/linux-x64-gnu: not installed/);
  t.regex(stderr, /npm install --include=optional/);
  t.notRegex(stderr, /\n {4}at /);
});
