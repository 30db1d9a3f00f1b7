// Runs a part of the benchmarks, shortly, for tests of what it says.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface Report {
  readonly machine: { readonly instructions: string; readonly precision: string };
  readonly results: readonly {
    readonly name: string;
    readonly ours_ms?: number;
    readonly ours_s?: number;
    readonly ours_mb?: number;
    readonly pytorch_ms?: number | null;
    readonly pytorch_mb?: number | null;
    readonly ratio: number | null;
    readonly command?: string;
    readonly details?: Readonly<Record<string, number>>;
  }[];
  readonly geomean: number | null;
}

/** A short run without PyTorch, unless the environment has more. */
export async function bench(only: string, more: Readonly<Record<string, string>> = {}): Promise<Report> {
  return JSON.parse((await benchOutput(only, more)).stdout) as Report;
}

/** What such a run prints. */
export const benchOutput = (only: string, more: Readonly<Record<string, string>> = {}) =>
  benchCommand('main.ts', ['--short', '--json', '--only', only], more);

/** What a command of bench/ prints. */
export function benchCommand(
  file: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
) {
  const env = { ...process.env, HALFSPACE_PYTHON: '', ...more };
  return promisify(execFile)(process.execPath, ['--import', 'tsx', `bench/${file}`, ...args], {
    cwd: root,
    env,
  });
}
