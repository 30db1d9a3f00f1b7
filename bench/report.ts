// What every benchmark is given and what it returns, and how results are printed.

import { cpus, loadavg } from 'node:os';
import type { Precision } from '../lib/train/device-names.js';
import { nativeSource } from '../lib/train/native.js';
import { geometricMean, type MeasureOptions } from './measure.js';

/** One file's benchmarks. */
export interface Benchmark {
  /** What `--only` selects from; a line may have more after it, as those of single kernels do. */
  readonly names: readonly string[];
  /** The fewest training steps that `--steps` may ask for. */
  readonly leastSteps?: number;
  run(context: BenchContext): AsyncGenerator<Result>;
}

export interface BenchContext {
  readonly threads: number;
  /** What products of training steps are computed with; null for the engine's own choice. */
  readonly precision: Precision | null;
  /** Python with PyTorch for the peers, or null. */
  readonly python: string | null;
  readonly timing: MeasureOptions;
  /** Training steps of the benchmarks that train for long; each has its own number unless told. */
  readonly steps: number | null;
  /** A short run checks only that everything runs. */
  readonly short: boolean;
  /** Whether the benchmark of this name was asked for. */
  selected(name: string): boolean;
  /** Tells why benchmarks that were asked for cannot run here. */
  skip(name: string, reason: string): void;
}

/** Medians, in milliseconds unless told; `peer` is the better of the peer's variants. Less is better. */
export interface Result {
  readonly name: string;
  readonly ours: number;
  readonly peer?: number;
  readonly unit?: 'ms' | 's' | 'MB';
  readonly details?: Readonly<Record<string, number>>;
  /** The command line that was timed. */
  readonly command?: string;
}

/** How many times faster (or smaller) than the peer; above 1 is better. */
export const ratio = (result: Result): number | null =>
  result.peer === undefined ? null : result.peer / result.ours;

/** The geometric mean of the ratios of training steps alone, which all ask the same question; null without any. */
export function meanRatio(results: readonly Result[]): number | null {
  const ratios = results
    .filter(({ name }) => name.startsWith('step/'))
    .map(ratio)
    .filter((value) => value !== null);
  return ratios.length > 0 ? geometricMean(ratios) : null;
}

export const jsonReport = (machine: Machine, results: readonly Result[]): unknown => ({
  machine,
  results: results.map(jsonResult),
  geomean: meanRatio(results),
});

function jsonResult(result: Result): unknown {
  const unit = (result.unit ?? 'ms').toLowerCase();
  return {
    name: result.name,
    [`ours_${unit}`]: result.ours,
    [`pytorch_${unit}`]: result.peer ?? null,
    ratio: ratio(result),
    ...(result.details ? { details: result.details } : {}),
    ...(result.command === undefined ? {} : { command: result.command }),
  };
}

export function formatResult(result: Result): string {
  const { name, ours, peer, unit = 'ms' } = result;
  const times = ratio(result);
  const against = times === null ? '' : `  peer ${peer?.toFixed(2)} ${unit}  ${times.toFixed(2)}x`;
  const details = Object.entries(result.details ?? {}).map(([key, value]) => `${key} ${figure(value)}`);
  const own = `${ours.toFixed(2)} ${unit}`;
  const line = `${name.padEnd(28)} ${own.padStart(12)}${against}${details.length > 0 ? `  (${details.join(', ')})` : ''}`;
  return result.command === undefined ? line : `${line}\n    ${result.command}`;
}

/** Counts have no decimals. */
const figure = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2));

/** The line under the table of training steps. */
export const formatMean = (mean: number): string => `geometric mean of step/: ${mean.toFixed(2)}x`;

/** What figures depend on. */
export interface Machine {
  readonly processor: string;
  /** The instruction set that our engine uses. */
  readonly instructions: string;
  readonly threads: number;
  readonly node: string;
  readonly engine: string;
  /** Null where there is none to compare with. */
  readonly pytorch: string | null;
  /** Of training steps on this processor. */
  readonly precision: string;
  /** How PyTorch runs. */
  readonly mode: string;
  readonly layouts: string;
  /** Processes that wanted to run, over the last minute: above zero, others disturb. */
  readonly load: number;
}

export function describeMachine(
  { threads, precision }: Pick<BenchContext, 'threads' | 'precision'>,
  pytorch: string | null,
): Machine {
  const { instructions, library } = nativeSource().native.engine();
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    instructions,
    threads,
    node: process.version,
    engine: library,
    pytorch,
    precision: precision ?? 'fp32',
    mode: 'PyTorch eager, without torch.compile, torch.optim.SGD as it is by default',
    layouts: 'ours in blocks of channels, PyTorch the better of contiguous and channels_last',
    load: loadavg()[0] as number,
  };
}

/** The machine as the lines above a table. */
export const formatMachine = (machine: Machine): string =>
  [
    `${machine.processor} (${machine.instructions}), ${machine.threads} threads, ${machine.precision}, load ${machine.load.toFixed(1)}`,
    `Node ${machine.node}, ${machine.engine}, ` +
      (machine.pytorch === null
        ? 'no PyTorch (set HALFSPACE_PYTHON or make .venv)'
        : `PyTorch ${machine.pytorch}`),
    ...(machine.pytorch === null ? [] : [`peer: ${machine.mode}`]),
    `layouts: ${machine.layouts}`,
  ].join('\n');
