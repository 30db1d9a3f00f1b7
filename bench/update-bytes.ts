// What one run of the fused update must move between memory and a device, and how long an H100 needs for
// that at least. A kernel that reads and writes each byte once in a pass cannot do better.

import type { UpdateRule } from '../lib/compile/update.js';

/** Bandwidth of an H100 SXM's memory, in bytes a second. */
export const H100_BANDWIDTH = 3.35e12;

export interface UpdateWork {
  readonly rule: UpdateRule;
  readonly parameters: number;
  /** Parameters in taken groups. */
  readonly taken: number;
  readonly groups: number;
  /** What groups are cut into, each at least one; see piecesOf. */
  readonly pieces: number;
}

const FLOAT = 4;
const STATES: Readonly<Record<UpdateRule, number>> = { sgd: 1, adam: 2, adamw: 2 };
/** The most elements of a piece, native/cuda's `kCut`. */
const PIECE_LENGTH = 1024;
/** Where a piece lies, read in both passes, and its sums, which the first writes and the decision reads. */
const PIECE = 2 * 24 + 2 * 24;
/**
 * A group's ceiling, read in both passes and by the decision; which group it is and where its sums lie; its
 * statistics; its move, written and read.
 */
const GROUP = 3 * 8 + 4 + 8 + 48 + 2 * 8;

/** How many pieces a span of so many elements is. */
export const piecesOf = (length: number): number => Math.ceil(length / PIECE_LENGTH);

/**
 * The first pass reads x, the gradient and the state and writes the state, and x of free parameters; the
 * second reads x and the state of taken ones and writes x.
 */
export function updateBytes({ rule, parameters, taken, groups, pieces }: UpdateWork): number {
  const states = STATES[rule];
  const first = parameters * (2 + 2 * states) + (parameters - taken);
  const second = taken * (2 + states);
  return FLOAT * (first + second) + GROUP * groups + PIECE * pieces;
}

/** The least time on an H100, in milliseconds. */
export function h100Milliseconds(bytes: number): number {
  return (1e3 * bytes) / H100_BANDWIDTH;
}
