// Colours, and who gets them: people at a terminal, unless they say otherwise.

import { createColors } from './packages.js';

export type Colors = ReturnType<typeof createColors>;

/** The colours themselves, for text that is stripped of them later where they are not wanted. */
export const colors: Colors = createColors(true);

const plain: Colors = createColors(false);

/** What text on `stream` is coloured with: nothing where it shall not be. */
export const colorsFor = (stream: Stream): Colors => (usesColor(stream) ? colors : plain);

interface Stream {
  readonly isTTY?: boolean;
}

/** Whether text on `stream` is coloured: never with NO_COLOR, always with FORCE_COLOR, else on a terminal. */
export function usesColor(stream: Stream, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env['NO_COLOR']) return false;
  const forced = env['FORCE_COLOR'];
  if (forced) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}
