// What HALFSPACE_DEBUG shows on stderr: 1 timings, 2 the search space, 3 the graph after each pass,
// 4 programs. A higher level shows what the lower ones do.

import type { CompiledProgram } from '../compile/compiled.js';
import { printPasses, printProgram } from '../compile/print.js';

export const debugLevel = (): number => Number(process.env['HALFSPACE_DEBUG'] ?? 0);

/** Writes `text` at the given level; it is not made where nobody sees it. */
export function debug(level: number, text: () => string): void {
  if (debugLevel() >= level) process.stderr.write(text());
}

export function debugCompiled({ passes, program }: CompiledProgram): void {
  debug(3, () => printPasses(passes));
  debug(4, () => printProgram(program));
}
