// What the tests of the command line share: a process, its exit status and what it prints, and folders.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `halfspace ...args` in `cwd`, with no colours unless `env` asks for them. */
export function halfspace(
  args: readonly string[],
  { cwd = root, env = {} }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome> {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...inherited } = process.env;
  return new Promise((resolve, reject) => {
    const program = [join(root, 'node_modules/tsx/dist/loader.mjs'), join(root, 'lib/cli/main.ts')] as const;
    const child = spawn(process.execPath, ['--import', ...program, ...args], {
      cwd,
      env: { ...inherited, ...env },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** Makes empty folders that are gone after the tests of the file. */
export function folders(): () => string {
  const root = mkdtempSync(join(tmpdir(), 'halfspace-cli-'));
  test.after.always(() => rmSync(root, { recursive: true, force: true }));
  return () => mkdtempSync(join(root, 'case-'));
}
