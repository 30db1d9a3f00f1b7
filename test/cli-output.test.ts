// What the command line prints where: colours for people at a terminal, one document for programs, nothing
// but results for those who ask for quiet; and help whose examples can be typed.

import test from 'ava';
import { colors, usesColor } from '../lib/cli/colors.js';
import { commands } from '../lib/cli/commands.js';
import { buildProgram } from '../lib/cli/program.js';
import { formatTable } from '../lib/cli/table.js';

import { folders, halfspace } from './cli-process.js';

const folder = folders();
const escape = '\u001b[';

const cases: readonly (readonly [what: string, tty: boolean, env: object, colored: boolean])[] = [
  ['a terminal', true, {}, true],
  ['a pipe', false, {}, false],
  ['a terminal with NO_COLOR', true, { NO_COLOR: '1' }, false],
  ['a terminal with an empty NO_COLOR', true, { NO_COLOR: '' }, true],
  ['a pipe with FORCE_COLOR', false, { FORCE_COLOR: '1' }, true],
  ['a terminal with FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
  ['a pipe with FORCE_COLOR and NO_COLOR', false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ['a terminal that knows none', true, { TERM: 'dumb' }, false],
];

for (const [what, isTTY, env, colored] of cases) {
  test(`${what} is ${colored ? 'coloured' : 'plain'}`, (t) => {
    t.is(usesColor({ isTTY }, env as NodeJS.ProcessEnv), colored);
  });
}

test('colours take no room in a table', (t) => {
  const rows = [
    [colors.green('yes'), '1'],
    ['no', '10'],
  ];
  const plain = formatTable(colors, ['a', 'b'], rows).replaceAll(
    new RegExp(`${escape.replace('[', '\\[')}\\d+m`, 'g'),
    '',
  );
  t.is(plain, ['a     b', '---  --', 'yes   1', 'no   10'].join('\n'));
});

for (const args of [['devices'], ['train', '--help'], ['--help'], ['inspect', 'demosupne']]) {
  test.serial(`halfspace ${args.join(' ')} is coloured only where that is wanted`, async (t) => {
    const all = async (env: Readonly<Record<string, string>>, ...more: readonly string[]) => {
      const { stdout, stderr } = await halfspace([...args, ...more], { env });
      return stdout + stderr;
    };
    t.false((await all({})).includes(escape), 'a pipe');
    t.true((await all({ FORCE_COLOR: '1' })).includes(escape), 'FORCE_COLOR');
    t.false((await all({ FORCE_COLOR: '1' }, '--no-color')).includes(escape), '--no-color');
    const { stdout } = await halfspace(['--no-color', ...args], { env: { FORCE_COLOR: '1' } });
    t.false(stdout.includes(escape), '--no-color before the command');
  });
}

test.serial('--json prints one document without colours on stdout, whatever FORCE_COLOR says', async (t) => {
  const commands = [
    ['devices'],
    ['doctor'],
    ['inspect', 'demosupnet'],
    ['completion', 'zsh'],
    ['init', folder()],
  ];
  for (const args of commands) {
    const { status, stdout } = await halfspace([...args, '--json'], { env: { FORCE_COLOR: '1' } });
    t.is(status, 0, args.join(' '));
    t.is(typeof JSON.parse(stdout), 'object', args.join(' '));
    t.false(stdout.includes(`${escape}3`), args.join(' '));
  }
});

test.serial('--quiet leaves results and errors', async (t) => {
  const cwd = folder();
  const init = await halfspace(['init', '--quiet'], { cwd });
  t.deepEqual([init.stdout, init.stderr], ['halfspace.config.json\n', '']);
  const inspect = await halfspace(['inspect', '-q'], { cwd });
  t.is(inspect.stderr, '');
  t.regex(inspect.stdout, /stackedunets/);
  const wrong = await halfspace(['inspect', 'stackedunet', '-q'], { cwd });
  t.regex(wrong.stderr, /unknown model/);
});

test.serial('who stops reading the output ends the program quietly', async (t) => {
  const { status, stdout, stderr } = await halfspace(['inspect', 'darts-8', '--json'], { readOnly: 100 });
  t.deepEqual([status, stdout.length > 0, stderr], [141, true, '']);
});

test('help says what happens where an option is not given', async (t) => {
  const program = await buildProgram();
  const help = program.commands
    .find((command) => command.name() === 'train')
    ?.helpInformation()
    .replaceAll(/\s+/g, ' ');
  for (const line of [
    'passes over the data (default: 12)',
    'images a step (default: 64)',
    'highest learning rate (default: 0.1 for sgd, 0.001 for adam, 0.001 for adamw)',
    'before groups are chosen (default: 1/6)',
    'threads of the CPU engine (default: all cores)',
  ]) {
    t.true(help?.includes(line), line);
  }
});

test('every command has --json, --quiet, --no-color and an example', async (t) => {
  for (const command of (await buildProgram()).commands) {
    const options = command.options.map(({ long }) => long);
    for (const option of ['--json', '--quiet', '--no-color'])
      t.true(options.includes(option), command.name());
    t.true((await examplesOf(command.name())).length > 0, command.name());
  }
});

test('the list of commands says what follows each', async (t) => {
  for (const command of (await buildProgram()).commands) {
    const listed = command.usage();
    // An empty one makes commander say what was declared.
    t.is(listed, command.usage('').usage(), command.name());
  }
});

test('a command is understood when only what its line names is loaded', async (t) => {
  for (const name of Object.keys(commands)) {
    const [all, alone] = [await buildProgram(), await buildProgram([name])].map(({ commands }) => commands);
    const options = (listed = all) =>
      listed?.find((command) => command.name() === name)?.options.map(({ flags }) => flags);
    t.deepEqual(options(alone), options(all), name);
    t.true(
      alone?.every((command) => command.name() === name || command.options.length === 0),
      name,
    );
  }
});

/** Lines of the help that can be typed. */
async function examplesOf(name: string): Promise<readonly string[]> {
  const program = await buildProgram();
  const printed: string[] = [];
  for (const command of [program, ...program.commands]) {
    if (command.name() !== name) continue;
    command.configureOutput({ writeOut: (text) => printed.push(text), getOutHasColors: () => false });
    command.outputHelp();
  }
  const text = printed.join('');
  const lines = text.slice(text.search(/^Examples?:$/m)).split('\n');
  return lines.map((line) => line.trim()).filter((line) => /^(source <\()?halfspace /.test(line));
}

for (const name of ['halfspace', ...Object.keys(commands)]) {
  test(`the examples in the help of ${name} are understood`, async (t) => {
    for (const line of await examplesOf(name)) {
      const words = line
        .replace(/^source <\(|\)$| > .*$/g, '')
        .split(' ')
        .slice(1);
      const program = await buildProgram();
      const ran: string[] = [];
      for (const command of program.commands) command.action(() => void ran.push(command.name()));
      await t.notThrowsAsync(program.parseAsync([...words, ...configless(words)], { from: 'user' }), line);
      t.deepEqual(ran, words.slice(0, 1), line);
    }
  });
}

/** Files that examples name are not there. */
const configless = (words: readonly string[]): readonly string[] =>
  ['train', 'inspect', 'eval'].includes(words[0] ?? '') ? ['--no-config'] : [];
