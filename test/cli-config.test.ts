// Config files: found, checked and merged with the command line; and what `init` writes.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { readConfigFile } from '../lib/cli/config-file.js';
import { configJsonSchema } from '../lib/cli/config-json-schema.js';
import { findConfig } from '../lib/cli/config-names.js';
import { rebase } from '../lib/cli/config-paths.js';
import { configSchema, settingNames } from '../lib/cli/config-schema.js';
import { buildProgram } from '../lib/cli/program.js';
import { HalfspaceError } from '../lib/errors.js';
import { folders, halfspace } from './cli-process.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = folders();

/** Writes files by name and answers with their folder. */
function filled(files: Readonly<Record<string, string>>, where = folder()): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(where, name)), { recursive: true });
    writeFileSync(join(where, name), text);
  }
  return where;
}

test('the schema for editors is what the check makes of it', async (t) => {
  const written: unknown = JSON.parse(readFileSync(join(root, 'config.schema.json'), 'utf8'));
  t.deepEqual(
    written,
    JSON.parse(JSON.stringify(configJsonSchema(await buildProgram()))),
    'run `npm run schema`',
  );
});

test('every option of train that is not about one call is a setting, and nothing else is', async (t) => {
  const train = (await buildProgram()).commands.find((command) => command.name() === 'train');
  const options = train?.options.map((option) => option.attributeName()) ?? [];
  const aboutTheCall = new Set(['resume', 'config', 'json', 'quiet', 'color']);
  const expected = new Set(['model', ...options.filter((name) => !aboutTheCall.has(name))]);
  t.deepEqual(settingNames.toSorted(), [...expected].toSorted());
});

const settings = {
  model: 'demosupnet',
  data: 'sample',
  remove: 2,
  macs: 1e8,
  augment: ['random-crop', 'cutout'],
};

for (const [name, text] of [
  ['halfspace.config.json', JSON.stringify({ ...settings, macs: '100M' })],
  [
    'halfspace.config.yaml',
    'model: demosupnet\ndata: sample\nremove: 2\nmacs: 100M\naugment: [random-crop, cutout]\n',
  ],
  [
    'halfspace.config.ts',
    `import type { Config } from 'halfspace/config';\nimport { augment } from './shared.js';\n
     export default { model: 'demosupnet', data: 'sample', remove: 2, macs: 100e6, augment } satisfies Config;\n`,
  ],
] as const) {
  test(`${name} is found from a folder below, and says the same as the others`, async (t) => {
    const shared = `export const augment: ('random-crop' | 'cutout')[] = ['random-crop', 'cutout'];`;
    const where = filled({ [name]: text, 'shared.ts': shared, 'below/further/file': '' });
    const found = findConfig(join(where, 'below', 'further'));
    t.is(found, join(where, name));
    t.deepEqual((await readConfigFile(found ?? t.fail())).settings, settings as never);
  });
}

const wrong: readonly (readonly [what: string, name: string, text: string, message: RegExp])[] = [
  [
    'an unknown setting',
    'a.json',
    '{"epoch": 3}',
    /a\.json: unknown setting 'epoch' \(did you mean 'epochs'\?\)/,
  ],
  [
    'a value of another type',
    'a.yaml',
    'epochs: many\n',
    /epochs: expected a positive whole number, got "many"/,
  ],
  [
    'a value out of range',
    'a.json',
    '{"sparsity": 1.5}',
    /sparsity: expected a number from 0 to 1, got 1\.5/,
  ],
  [
    'an unknown name',
    'a.json',
    '{"optimizer": "sdg"}',
    /optimizer: unknown name \(did you mean 'sgd'\?\), got "sdg"/,
  ],
  [
    'an unknown name in a list',
    'a.json',
    '{"augment": ["cutuot"]}',
    /augment\.0: unknown name.*'cutout'.*got "cutuot"/,
  ],
  ['a budget that is none', 'a.json', '{"macs": "lots"}', /macs: expected a number, or a text such as 370k/],
  ['two mistakes at once', 'a.json', '{"epochs": 0, "batch": -1}', /epochs: [\s\S]*\n.*batch: /],
  ['a list', 'a.json', '[1]', /a\.json: .*expected object/],
  ['JSON that is none', 'a.json', '{', /a\.json: .*JSON/],
  ['YAML that is none', 'a.yaml', 'a: [\n', /a\.yaml: .*line \d/],
  ['TypeScript that is none', 'a.ts', 'export default {', /a\.ts: /],
  ['TypeScript that throws', 'a.ts', "throw new Error('no luck')", /a\.ts: no luck/],
  ['TypeScript without a default export', 'a.ts', 'export const a = 1', /a\.ts: .*expected object/],
  [
    'another ending',
    'a.toml',
    '',
    /a\.toml: expected a file that ends with \.json, \.yaml, \.yml, \.ts or \.js/,
  ],
  ['the prototype', 'a.json', '{"constructor": 1}', /unknown setting 'constructor'/],
];

for (const [what, name, text, message] of wrong) {
  test(`${what} in a config file is wrong usage and says where`, async (t) => {
    const where = filled({ [name]: text });
    const error = await t.throwsAsync(readConfigFile(join(where, name)), { instanceOf: HalfspaceError });
    t.is(error.code, 'ERR_OPTION');
    t.regex(error.message, message);
  });
}

test('a config file that is not there is wrong usage', async (t) => {
  const error = await t.throwsAsync(readConfigFile(join(folder(), 'a.json')), { instanceOf: HalfspaceError });
  t.is(error.code, 'ERR_OPTION');
  t.regex(error.message, /no such file/);
});

test('two config files in one folder are one too many', (t) => {
  const where = filled({ 'halfspace.config.json': '{}', 'halfspace.config.yaml': '' });
  const error = t.throws(() => findConfig(where), { instanceOf: HalfspaceError });
  t.regex(
    error.message,
    /expected one config file in .*, got halfspace\.config\.json and halfspace\.config\.yaml/,
  );
});

test('paths are relative to the file, names stay names', (t) => {
  const given = { model: 'nets/a.onnx', data: 'images', dataDir: 'files', out: 'runs/a', remove: 1 };
  const moved = {
    model: '../nets/a.onnx',
    data: '../images',
    dataDir: '../files',
    out: '../runs/a',
    remove: 1,
  };
  t.deepEqual(rebase(given, 'x', 'x/y'), moved);
  const names = { model: 'darts-8', data: 'cifar10' };
  t.deepEqual(rebase(names, 'x', 'x/y'), names);
});

const params = (stdout: string): number => (JSON.parse(stdout) as { params: number }).params;

test.serial(
  'the command line wins over the file, and a model of its own leaves the width of the other',
  async (t) => {
    const where = filled({ 'halfspace.config.json': '{"model": "demosupnet", "width": 8, "epochs": 3}' });
    const inspect = async (...args: readonly string[]) =>
      params((await halfspace(['inspect', ...args, '--json'], { cwd: where })).stdout);
    const narrow = await inspect();
    t.true((await inspect('--width', '16')) > narrow);
    const plain = await inspect('demosupnet', '--no-config');
    t.is(await inspect('demosupnet'), plain);
    t.true(plain > narrow);
  },
);

test.serial('a run keeps what was asked for; it goes on, and is run again, from that alone', async (t) => {
  const where = folder();
  const init = await halfspace(['init', '--network', '--json'], { cwd: where });
  t.deepEqual(JSON.parse(init.stdout), { files: ['halfspace.config.json', 'network.mjs'] });
  const args = [
    '--epochs',
    '1',
    '--remove',
    '2',
    '--width',
    '4',
    '--score',
    'magnitude',
    '--csv',
    '--json',
    '-q',
  ];
  const run = await halfspace(['train', ...args], { cwd: where });
  t.is(run.status, 0, run.stderr);
  t.is(run.stderr, '', 'quiet');
  const document = JSON.parse(run.stdout) as { directory: string; erased: number[] };
  t.is(document.directory, 'runs/first');
  const out = join(where, 'runs/first');
  t.true(readdirSync(out).includes('metrics.csv'));
  const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')) as { origin: object };
  t.deepEqual(config.origin, {
    model: '../../network.mjs',
    data: 'sample',
    remove: 2,
    epochs: 1,
    lr: 0.05,
    width: 4,
    score: 'magnitude',
    csv: true,
  });
  t.true(configSchema.safeParse(config.origin).success);

  const resumed = await halfspace(['train', '--out', out, '--resume', '--json', '-q']);
  t.is(resumed.status, 0, resumed.stderr);
  t.deepEqual((JSON.parse(resumed.stdout) as typeof document).erased, document.erased);
  const again = await halfspace([
    'train',
    '--config',
    join(out, 'config.json'),
    '--out',
    `${out}-again`,
    '--json',
    '-q',
  ]);
  t.is(again.status, 0, again.stderr);
  t.deepEqual((JSON.parse(again.stdout) as typeof document).erased, document.erased);
});

for (const format of ['json', 'yaml', 'ts'] as const) {
  test.serial(`init writes ${format} that inspect reads, with and without a network`, async (t) => {
    const where = folder();
    const init = async (...args: readonly string[]) =>
      halfspace(['init', ...args, '--format', format], { cwd: where });
    t.is((await init('plain')).status, 0);
    t.is((await init('own', '--network')).status, 0);
    const plain = await halfspace(['inspect', '--json'], { cwd: join(where, 'plain') });
    t.is((JSON.parse(plain.stdout) as { model: string }).model, 'stackedunets', plain.stderr);
    const own = await halfspace(['inspect', '--json'], { cwd: join(where, 'own') });
    const { groups, maxRemovable } = JSON.parse(own.stdout) as { groups: unknown[]; maxRemovable: number };
    t.deepEqual([groups.length, maxRemovable], [6, 6], own.stderr);
  });
}

test.serial(
  'init overwrites nothing unless it is told to, and then only files of the same name',
  async (t) => {
    const where = filled({ 'halfspace.config.json': '{}', 'network.mjs': '// mine' });
    const init = (...args: readonly string[]) => halfspace(['init', ...args], { cwd: where });
    for (const args of [[], ['--network'], ['--format', 'yaml'], ['--format', 'yaml', '--force']]) {
      const { status, stderr } = await init(...args);
      t.is(status, 1);
      t.regex(
        stderr,
        /halfspace\.config\.json exists: (--force overwrites it|remove it, or write the same format)/,
      );
    }
    t.is(readFileSync(join(where, 'halfspace.config.json'), 'utf8'), '{}');
    t.deepEqual(readdirSync(where).toSorted(), ['halfspace.config.json', 'network.mjs']);
    t.is((await init('--network', '--force')).status, 0);
    t.notRegex(readFileSync(join(where, 'network.mjs'), 'utf8'), /mine/);
  },
);

const modules: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ['throws', "throw new Error('no luck')", /a\.mjs: no luck/],
  [
    'exports no network',
    'export default 3',
    /a\.mjs: expected the default export to be a network.*got number/,
  ],
  ['builds no network', 'export default () => 3', /got function that returned number/],
  [
    'builds a wrong one',
    "import { Network } from 'halfspace';\nexport default () => new Network().conv(undefined, 3)",
    /a\.mjs: /,
  ],
];

for (const [what, text, message] of modules) {
  test.serial(`a module that ${what} is a failure that names it`, async (t) => {
    const where = filled({ 'a.mjs': text });
    const { status, stderr } = await halfspace(['inspect', './a.mjs'], { cwd: where });
    t.is(status, 1);
    t.regex(stderr, message);
    t.notRegex(stderr, /internal/);
  });
}
