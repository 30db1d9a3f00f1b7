// Where the addon comes from, and what is said when it comes from nowhere.

import test from 'ava';

import { explain, loadAddon, matching, platformPackages, type Candidate } from '../lib/train/loader.js';

const gives = (name: string): Candidate => ({ name, load: () => ({ from: name }) });
const fails = (name: string, message: string, code?: string): Candidate => ({
  name,
  load: () => {
    throw Object.assign(new Error(message), code === undefined ? {} : { code });
  },
});

test('the first candidate that loads is taken, and the failures before it are kept', (t) => {
  const found = loadAddon([fails('a', 'broken', 'ERR_DLOPEN_FAILED'), gives('b'), gives('c')]);
  t.deepEqual(found, {
    addon: { from: 'b' },
    source: 'b',
    failures: [{ candidate: 'a', code: 'ERR_DLOPEN_FAILED', message: 'broken' }],
  });
});

test('when nothing loads, one message holds every failure', (t) => {
  const none = [
    fails('local build', 'there is none', 'ENOENT'),
    fails('package', 'Cannot find module x\nstack'),
  ];
  const error = t.throws(() => loadAddon(none), { code: 'ERR_DEVICE' });
  t.regex(error.message, /local build: there is none \(ENOENT\)\n {2}package: not installed\n/);
});

for (const [what, addon, version] of [
  ['older than this check', {}, 'older than 2'],
  ['of another version', { boundary: 1 }, '1'],
] as const) {
  test(`an addon ${what} is refused with both versions and what to run`, (t) => {
    const candidate = matching({ name: 'local build', load: () => addon });
    const error = t.throws(() => loadAddon([candidate]), { code: 'ERR_DEVICE' });
    const refused = `local build: the version of its boundary is ${version}, this library's is 5`;
    t.true(error.message.includes(refused), error.message);
    t.regex(
      error.message,
      /What helps:\n {2}- make the addon and the library one version: `npm run build:native`/,
    );
  });
}

const remedies: readonly (readonly [string, string, string, RegExp])[] = [
  ['a C library that is too old', "libm.so.6: version `GLIBC_2.35' not found", '', /newer distribution/],
  [
    'a library that is missing',
    'libdnnl.so.2: cannot open shared object file',
    '',
    /beside the addon is missing/,
  ],
  ['addons that are forbidden', 'Cannot load native addon', 'ERR_DLOPEN_DISABLED', /without --no-addons/],
];

for (const [what, message, code, remedy] of remedies) {
  test(`${what} has a remedy of its own, named first`, (t) => {
    const text = explain('linux-x64-gnu', [{ candidate: '@halfspace/linux-x64-gnu', code, message }]);
    t.regex(text.split('What helps:\n')[1]?.split('\n')[0] ?? '', remedy);
  });
}

test('an install for this platform is told the names that npm uses', (t) => {
  t.regex(explain('linux-x64-gnu', []), /--os=linux --cpu=x64 --libc=glibc`/);
  t.regex(explain('linux-x64-musl', []), /--os=linux --cpu=x64 --libc=musl`/);
  t.regex(explain('darwin-arm64', []), /--os=darwin --cpu=arm64`/);
});

test('a platform without a package is sent to the sources at once', (t) => {
  t.regex(explain('aix-ppc64', []), /no package for aix-ppc64\n {2}- build it/);
});

test('the table of packages asks for what it names', (t) => {
  for (const [platform, packages] of Object.entries(platformPackages)) {
    for (const { name, load } of packages) {
      t.true(name.startsWith(`@halfspace/${platform}`));
      t.regex(load.toString(), new RegExp(`\\(['"]${name}['"]\\)`));
    }
  }
});
