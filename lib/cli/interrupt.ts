// Ctrl-C: the first one asks a run to stop after its step, the second ends the process as usual.

import type { Output } from './output.js';

/** A run ended early because it was asked to; all that it did is kept. */
export class InterruptedError extends Error {
  /** What shells say of a process that Ctrl-C ended. */
  readonly exitStatus = 130;
}

export interface Interrupt {
  readonly signal: AbortSignal;
  release(): void;
}

/** Listens until released, or until it was asked once. */
export function stopOnInterrupt({ note }: Output): Interrupt {
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const release = (): void => signals.forEach((signal) => process.off(signal, stop));
  const stop = (): void => {
    note('\nstopping after this step (press Ctrl-C again to give up)');
    controller.abort();
    release();
  };
  signals.forEach((signal) => process.on(signal, stop));
  return { signal: controller.signal, release };
}
