// The Electron example: its training service always, the application itself where Electron is installed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test from 'ava';

import * as library from '../lib/index.js';
import * as models from '../lib/models/index.js';

interface Message {
  readonly kind: string;
  readonly progress?: { readonly kind: string };
}

type Handle = (message: object) => void;
type Serve = (parts: object, send: (message: Message) => void, end: (code: number) => void) => Handle;

const example = new URL('../examples/electron/', import.meta.url);

/** A run of the example's service; `react` may answer its messages. Resolves with all of them. */
async function serviceRun(react: (message: Message, handle: Handle) => void): Promise<readonly Message[]> {
  const { serve } = (await import(new URL('service.js', example).href)) as { serve: Serve };
  const directory = mkdtempSync(join(tmpdir(), 'halfspace-electron-'));
  const messages: Message[] = [];
  await new Promise<number>((end) => {
    const send = (message: Message): void => {
      // What crosses processes must survive a copy.
      messages.push(structuredClone(message));
      react(message, handle);
    };
    const handle = serve({ ...library, ...models }, send, end);
    handle({ kind: 'start', model: 'demosupnet', remove: 2, directory });
  });
  rmSync(directory, { recursive: true });
  return messages;
}

test.serial('the service reports progress, and stopping keeps the result', async (t) => {
  const messages = await serviceRun((message, handle) => {
    if (message.progress?.kind === 'step') handle({ kind: 'stop' });
  });
  t.true(messages.some(({ progress }) => progress?.kind === 'step'));
  t.regex(messages.at(-1)?.kind ?? '', /^done$/, JSON.stringify(messages.at(-1)));
});

test.serial('the service gives a run up when it is cancelled', async (t) => {
  const messages = await serviceRun((message, handle) => {
    if (message.progress?.kind === 'step') handle({ kind: 'cancel' });
  });
  t.is(messages.at(-1)?.kind, 'cancelled');
});

/** The Electron program, if the package and what it downloads are there. */
function electron(): string | null {
  try {
    const path = createRequire(import.meta.url)('electron') as string;
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}

const program = electron();
const built = existsSync(new URL('../dist/index.js', import.meta.url));
const inside = program !== null && built ? test.serial : test.serial.skip;

inside(
  'the example trains inside Electron (skipped where it, or a build of this package, is missing)',
  async (t) => {
    t.timeout(300_000);
    const child = spawn(program as string, ['--no-sandbox', fileURLToPath(example)], {
      env: { ...process.env, EXAMPLE_TEST: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    t.is(code, 0);
    t.regex(stdout, /"kind":"done"/);
  },
);
