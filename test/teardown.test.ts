// However a process ends while the addon computes, it ends at once and by nothing but the way that was
// chosen: no crash, no abort, no hanging thread.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import test from 'ava';

const script = fileURLToPath(new URL('session-end.ts', import.meta.url));
const register = new URL('register.mjs', import.meta.url).href;

interface End {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function endBy(way: string): Promise<End> {
  const child = spawn(process.execPath, ['--import', register, script, way]);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, stdout, stderr };
}

// Serial, since each computes on all cores.
test.serial('process.exit() in the middle of a run gives its own status', async (t) => {
  t.like(await endBy('exit'), { code: 7, signal: null, stdout: 'leaving\n', stderr: '' });
});

test.serial('an uncaught exception in the middle of a run is reported as ever', async (t) => {
  const { stderr, ...end } = await endBy('exception');
  t.like(end, { code: 1, signal: null, stdout: 'leaving\n' });
  t.regex(stderr, /Error: nobody catches this/);
});

test.serial('an unhandled rejection in the middle of a run is reported as ever', async (t) => {
  const { stderr, ...end } = await endBy('rejection');
  t.like(end, { code: 1, signal: null, stdout: 'leaving\n' });
  t.regex(stderr, /Error: nobody handles this/);
});

test.serial('SIGTERM in the middle of a run ends the process by that signal', async (t) => {
  t.like(await endBy('terminate'), { code: null, signal: 'SIGTERM', stdout: 'leaving\n', stderr: '' });
});

test.serial('a SIGTERM that the program handles leaves as the program says', async (t) => {
  t.like(await endBy('handled'), { code: 9, signal: null, stdout: 'leaving\n', stderr: '' });
});
