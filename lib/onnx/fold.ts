// Arithmetic on constants: the shape computations that exporters leave in a graph, and rearranged
// weights, are done once while reading. One table of ONNX operators that need nothing but constants;
// what is not in it stays a node.

import { arithmetic } from './fold-arithmetic.js';
import { partition, rearrangement, typeQueries } from './fold-shape.js';
import type { Evaluator, PartsEvaluator } from './constant.js';
import { damaged } from './model-error.js';

/** Folding stops where a file would have it produce more elements than this beyond its own weights. */
const allowance = 2 ** 24;

/** The account that all foldings of one file share; it throws where a file wants absurdly much. */
export function foldingAccount(weights: number): (elements: number) => void {
  const most = allowance + 8 * weights;
  let left = most;
  return (count) => {
    left -= count;
    if (!(left >= 0)) damaged(`constants computed in the file would take more than ${most} elements`);
  };
}

/** What computes nodes of an operator, where that takes no more than their inputs' types, or constants. */
export function evaluatorOf(opType: string, constant: boolean): PartsEvaluator | undefined {
  const single =
    typeQueries.get(opType) ?? (constant ? (arithmetic.get(opType) ?? rearrangement.get(opType)) : undefined);
  if (single) return alone(single);
  return constant ? partition.get(opType) : undefined;
}

/** Of a node that has one result. */
const alone =
  (evaluate: Evaluator): PartsEvaluator =>
  (node) => {
    const result = node.outputs === 1 ? evaluate(node) : null;
    return result && [result];
  };
