// The Electron example: its training service, and the whole application under a double of Electron, always;
// the application itself where Electron is installed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test from 'ava';

import type { Answer, Order, serve as Serve } from '../examples/electron/service.js';
import * as library from '../lib/index.js';
import * as models from '../lib/models/index.js';

const example = new URL('../examples/electron/', import.meta.url);

/** A run of the example's service in a folder of its own; `react` may answer its messages. */
async function serviceRun(
  react: (answer: Answer, handle: (order: Order) => void) => void,
  inspect: (directory: string) => void = () => {},
  model = 'demosupnet',
): Promise<readonly Answer[]> {
  const { serve } = (await import(new URL('service.js', example).href)) as { serve: typeof Serve };
  const directory = mkdtempSync(join(tmpdir(), 'halfspace-electron-'));
  const answers: Answer[] = [];
  await new Promise<number>((end) => {
    const send = (answer: Answer): void => {
      // What crosses processes must survive a copy.
      answers.push(structuredClone(answer));
      react(answer, handle);
    };
    const handle = serve({ ...library, ...models, search: brief }, send, end);
    handle({ kind: 'start', model, remove: 2, directory });
  });
  inspect(directory);
  rmSync(directory, { recursive: true });
  return answers;
}

/** The library's search, over before it bores. */
const brief: typeof library.search = (model, dataset, options) =>
  library.search(model, dataset, { ...options, steps: 9, threads: 1 });

test.serial('the service reports progress and a result, and leaves a report', async (t) => {
  const answers = await serviceRun(
    () => {},
    (directory) => t.true(existsSync(join(directory, 'report.html'))),
  );
  t.true(answers.some((answer) => answer.kind === 'progress' && answer.progress.kind === 'step'));
  const last = answers.at(-1);
  t.true(last?.kind === 'done' && last.summary.erased.length > 0, JSON.stringify(last));
});

for (const [kept, phase] of [
  ['super-network', 'warm-up'],
  ['sub-network', 'frozen'],
] as const) {
  test.serial(`stopped in the phase '${phase}', the service keeps the ${kept}`, async (t) => {
    const answers = await serviceRun((answer, handle) => {
      if (answer.kind !== 'progress' || answer.progress.kind !== 'step') return;
      if (answer.progress.phase === phase) handle({ kind: 'stop' });
    });
    t.deepEqual(answers.at(-1), { kind: 'stopped', kept });
  });
}

test.serial('the service gives a run up when it is cancelled', async (t) => {
  const answers = await serviceRun((answer, handle) => {
    if (answer.kind === 'progress') handle({ kind: 'cancel' });
  });
  t.deepEqual(answers.at(-1), { kind: 'cancelled' });
});

test.serial('the service says why a run fails', async (t) => {
  const answers = await serviceRun(
    () => {},
    () => {},
    'demosupnets',
  );
  t.deepEqual(answers, [
    {
      kind: 'failed',
      code: 'ERR_OPTION',
      message: "unknown model 'demosupnets' (did you mean 'demosupnet'?)",
    },
  ]);
});

/** A state of the window, or the report that it opened. */
interface Shown {
  readonly state?: string;
  readonly enabled?: readonly string[];
  readonly report?: string;
}

/** What the window shows while somebody starts a training and then clicks a button. */
async function shown(clicks: string): Promise<readonly Shown[]> {
  const register = new URL('electron-double/register.mjs', import.meta.url).href;
  const main = fileURLToPath(new URL('main.js', example));
  const child = spawn(process.execPath, ['--import', register, main], {
    env: { ...process.env, DOUBLE_CLICKS: clicks },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  await once(child, 'close');
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Shown);
}

test.serial('the window shows the way to a result and then the report', async (t) => {
  t.timeout(120_000);
  const states = await shown('report');
  t.is(states[0]?.state, 'Starting.');
  t.deepEqual(states[0]?.enabled, ['stop', 'cancel']);
  t.true(states.some(({ state = '' }) => /^warm-up: step 1 of 9, loss \d/.test(state)));
  t.true(states.some(({ state = '' }) => /^erasing segments \d/.test(state)));
  t.regex(states.at(-2)?.state ?? '', /^\d+ parameters became \d+, accuracy [\d.]+ %$/);
  t.deepEqual(states.at(-2)?.enabled, ['start', 'report']);
  const report = states.at(-1)?.report ?? '';
  t.regex(readFileSync(report, 'utf8'), /<svg/);
  rmSync(dirname(report), { recursive: true });
});

for (const [button, last] of [
  ['cancel', /^Cancelled\.$/],
  ['stop', /^Stopped; the \S+ is kept\.$/],
] as const) {
  test.serial(`the button '${button}' ends the training, and the window says how`, async (t) => {
    t.timeout(120_000);
    const states = await shown(button);
    t.regex(states.at(-1)?.state ?? '', last);
    t.deepEqual(states.at(-1)?.enabled, ['start']);
  });
}

/** A copy of the example with the library beside it, as an application has it. */
function application(): string {
  const folder = mkdtempSync(join(tmpdir(), 'halfspace-application-'));
  cpSync(example, folder, { recursive: true });
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  rmSync(join(folder, 'node_modules/halfspace'), { force: true });
  symlinkSync(fileURLToPath(new URL('..', import.meta.url)), join(folder, 'node_modules/halfspace'));
  return folder;
}

/** The Electron program, if it has been downloaded; asking the package for its path would do that. */
function electron(): string | null {
  const folder = dirname(createRequire(import.meta.url).resolve('electron/package.json'));
  const path = join(folder, 'path.txt');
  if (!existsSync(path)) return null;
  const program = join(folder, 'dist', readFileSync(path, 'utf8'));
  return existsSync(program) ? program : null;
}

const program = electron();
const built = existsSync(new URL('../dist/index.js', import.meta.url));
const inside = program !== null && built ? test.serial : test.serial.skip;

inside(
  'the example trains inside Electron (skipped without `npx install-electron` or `npm run build`)',
  async (t) => {
    t.timeout(300_000);
    const folder = application();
    const child = spawn(program as string, ['--no-sandbox', folder], {
      env: { ...process.env, EXAMPLE_TEST: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    rmSync(folder, { recursive: true });
    t.is(code, 0);
    t.regex(stdout, /"kind":"done"/);
  },
);
