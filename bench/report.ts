// What every benchmark is given and what it returns, and how results are printed.

import { cpus } from 'node:os';
import { geometricMean, type MeasureOptions } from './measure.js';

export interface BenchContext {
  readonly threads: number;
  /** Python with PyTorch for the peers, or null. */
  readonly python: string | null;
  readonly timing: MeasureOptions;
  /** A short run checks only that everything runs. */
  readonly short: boolean;
  /** Whether the benchmark of this name was asked for. */
  selected(name: string): boolean;
}

/** Medians in milliseconds; `peer` is the better of the peer's variants. */
export interface Result {
  readonly name: string;
  readonly ours: number;
  readonly peer?: number;
  readonly details?: Readonly<Record<string, number>>;
}

/** How many times faster than the peer; above 1 is faster. */
export const ratio = (result: Result): number | null =>
  result.peer === undefined ? null : result.peer / result.ours;

export function jsonReport(results: readonly Result[]): unknown {
  const ratios = results.map(ratio).filter((value) => value !== null);
  return {
    results: results.map((result) => ({
      name: result.name,
      ours_ms: result.ours,
      pytorch_ms: result.peer ?? null,
      ratio: ratio(result),
      ...(result.details ? { details: result.details } : {}),
    })),
    geomean: ratios.length > 0 ? geometricMean(ratios) : null,
  };
}

export function formatResult(result: Result): string {
  const own = `${result.ours.toFixed(2)} ms`;
  const times = ratio(result);
  const against = times === null ? '' : `  peer ${result.peer?.toFixed(2)} ms  ${times.toFixed(2)}x`;
  const details = Object.entries(result.details ?? {}).map(([key, value]) => `${key} ${value.toFixed(2)}`);
  return `${result.name.padEnd(28)} ${own.padStart(12)}${against}${details.length > 0 ? `  (${details.join(', ')})` : ''}`;
}

export const describeMachine = (threads: number, peer: boolean): string =>
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${threads} threads, Node ${process.version}, ` +
  (peer ? 'against PyTorch in its better layout' : 'no PyTorch (set HALFSPACE_PYTHON or make .venv)');
