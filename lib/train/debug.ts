// What HALFSPACE_DEBUG shows on stderr: 1 timings of kernels and phases, 2 the search space, 3 the graph
// after each pass, 4 programs, 5 each step. A higher level shows what the lower ones do.

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

/** `conv_forward: 12 calls, 3.4 ms`, the costliest first. */
export function debugKernels({ kernels }: SessionDescription): void {
  debug(1, () =>
    Object.entries(kernels)
      .toSorted(([, a], [, b]) => b.milliseconds - a.milliseconds)
      .map(([name, { calls, milliseconds }]) => `${name}: ${calls} calls, ${milliseconds.toFixed(1)} ms\n`)
      .join(''),
  );
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

function phaseOf(event: Progress): string {
  if (event.kind === 'step') return event.phase;
  return event.kind === 'epoch' ? 'test' : event.kind;
}
