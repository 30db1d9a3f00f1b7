// What HALFSPACE_DEBUG shows on stderr: 1 timings of kernels and phases, 2 the search space, 3 the graph
// after each pass, 4 programs, 5 each step. A higher level shows what the lower ones do.

import { alignColumns } from '../columns.js';
import type { CompiledProgram } from '../compile/compiled.js';
import { printPasses, printProgram } from '../compile/print.js';
import type { SessionDescription } from './native.js';
import type { Progress } from './progress.js';

export const debugLevel = (): number => Number(process.env['HALFSPACE_DEBUG'] ?? 0);

/** Writes `text` at the given level; it is not made where nobody sees it. */
export function debug(level: number, text: () => string): void {
  if (debugLevel() >= level) process.stderr.write(text());
}

export function debugCompiled({ passes, program }: CompiledProgram): void {
  debug(3, () => printPasses(passes));
  debug(4, () => printProgram(program));
}

/** A table of what the kernels of a session took, the costliest first, under a line that says which session. */
export function debugKernels(device: string, session: SessionDescription): void {
  debug(1, () => {
    const { entries, threads, kernels } = session;
    const times = Object.entries(kernels).toSorted(([, a], [, b]) => b.milliseconds - a.milliseconds);
    const total = times.reduce((sum, [, { milliseconds }]) => sum + milliseconds, 0);
    const row = ([name, { calls, milliseconds }]: (typeof times)[number]): readonly string[] => [
      name,
      String(calls),
      milliseconds.toFixed(1),
      `${((100 * milliseconds) / total).toFixed(1)} %`,
    ];
    const where = device === 'cpu' ? `cpu, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : device;
    const heading = `kernels of ${entries.map(({ name }) => name).join(', ')} on ${where}, ${total.toFixed(1)} ms`;
    const { headings, rows } = alignColumns(['kernel', 'calls', 'ms', 'share'], times.map(row));
    return [heading, ...[headings, ...rows].map((line) => `  ${line}`), ''].join('\n');
  });
}

export function debugStep(event: Progress): void {
  if (event.kind === 'step') debug(5, () => `${JSON.stringify(event)}\n`);
}

/** Adds up how long the phases of a run take: those of its steps, selection, erasure and testing. */
export class PhaseTimes {
  readonly #milliseconds = new Map<string, number>();
  #since = performance.now();

  /** What went on until now led to `event`. */
  lap(event: Progress): void {
    const phase = phaseOf(event);
    const now = performance.now();
    this.#milliseconds.set(phase, (this.#milliseconds.get(phase) ?? 0) + now - this.#since);
    this.#since = now;
  }

  /** `phase window: 210.4 ms`, in the order in which they began. */
  debug(): void {
    debug(1, () =>
      [...this.#milliseconds].map(([phase, time]) => `phase ${phase}: ${time.toFixed(1)} ms\n`).join(''),
    );
  }
}

const endedBy = {
  selecting: 'selection',
  selection: 'selection',
  erasure: 'erasure',
  epoch: 'test',
} satisfies Record<Exclude<Progress['kind'], 'step'>, string>;

const phaseOf = (event: Progress): string => (event.kind === 'step' ? event.phase : endedBy[event.kind]);
