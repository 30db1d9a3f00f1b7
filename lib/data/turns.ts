// Keeps the event loop free while JavaScript has much to do: work is done in pieces, and whoever
// starts a piece first waits for a turn.

import { setImmediate } from 'node:timers/promises';

/** Milliseconds of work before others are let in. */
const SLICE = 2;

/**
 * A queue of turns. `await turn()` resolves at once while the slice lasts, else after the event
 * loop has gone round; those who wait together are let in one by one, each against the clock.
 */
export function turns(): () => Promise<void> {
  let since = performance.now();
  let last = Promise.resolve();
  const pause = async (): Promise<void> => {
    if (performance.now() - since < SLICE) return;
    await setImmediate();
    since = performance.now();
  };
  return () => (last = last.then(pause));
}
