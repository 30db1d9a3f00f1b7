// What compiling a network yields, whatever it is compiled for.

import type { Graph } from '../graph.js';
import type { ArenaLayout } from './layout.js';
import type { Program } from './program.js';

/** The graph as one pass left it. */
export interface Pass {
  readonly name: string;
  readonly graph: Graph;
}

export interface CompiledProgram {
  readonly program: Program;
  /** Where the network's parameters lie in the arena `parameters`. */
  readonly layout: ArenaLayout;
  /** In order, for debugging. */
  readonly passes: readonly Pass[];
}
