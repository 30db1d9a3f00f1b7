// The sum of tensors of one shape, and the only joint of its kind: a sum does not miss a term that is zero.

import type { Epilogue, Kept, NarrowRule, Op } from '../graph.js';
import { alike, beforeEpilogue, noMacs, rectified, withEpilogue, zeroWithAll } from './operator.js';

export interface Sum {
  readonly epilogue?: Epilogue;
}

/** sum: x1, ..., xn -> y = x1 + ... + xn, all of one shape. */
export function sum(attributes: Sum = {}): Op {
  const attrs = withEpilogue({}, attributes.epilogue);
  return {
    name: 'Add',
    attrs,
    infer: (inputs) => [alike(inputs)],
    gradient: (context) => {
      const dy = beforeEpilogue(context, attributes.epilogue);
      return context.node.inputs.map((_, index) => (context.needs(index) ? dy : null));
    },
    lower: () => ({ kernel: 'sum', attrs }),
    macs: noMacs,
    onnx: attributes.epilogue
      ? null
      : (inputs) => ({ opType: inputs.length === 2 ? 'Add' : 'Sum', attributes: {} }),
    zero: zeroWithAll,
    homogeneous: (scaled) => rectified(scaled.every(Boolean), attributes.epilogue),
    joint: 'sum',
    narrow: narrow(attributes),
    probabilities: null,
    epilogue: null,
    fuse: (epilogue) => (attributes.epilogue ? null : sum({ epilogue })),
  };
}

/** Terms must lose the same channels, or they would no longer fit together. */
const narrow =
  (attributes: Sum): NarrowRule =>
  ([first = null, ...others]) =>
    others.every((kept) => sameKept(kept, first))
      ? { op: sum(attributes), slices: [], outputs: [first] }
      : null;

const sameKept = (a: Kept, b: Kept): boolean =>
  a === b || (a !== null && b !== null && a.length === b.length && a.every((c, index) => c === b[index]));
