// The rectifier whose slope below zero is trained: x, and a slope that broadcasts to it, one for all or one a channel.

import type { Op, Value } from '../graph.js';
import { clip } from './activation.js';
import { binary, multiply } from './arithmetic.js';
import type { OnnxContext, OnnxLayout, OnnxReaders } from './onnx-reader.js';
import { emitOne, gradientOp, input, zeroWithFirst } from './operator.js';

/** prelu: x, slope -> x where x > 0, slope x elsewhere. */
export const prelu = (): Op =>
  binary({
    name: 'PRelu',
    function: 'leaky',
    zero: zeroWithFirst,
    homogeneous: ([x, slope]) => (x && !slope ? 'positive' : 'none'),
    joint: null,
    // dx = dy where x > 0, dy slope elsewhere, and dslope = dy min(x, 0)
    partials: [
      (context, dy) => {
        const [x, slope] = [input(context, 0), input(context, 1)];
        const attrs = { function: 'leaky_slope' };
        const factor = gradientOp({ name: 'LeakySlope', kernel: 'binary', attrs, outputs: [dy.type] });
        return emitOne(context, multiply(), [dy, emitOne(context, factor, [x, slope])]);
      },
      (context, dy) =>
        emitOne(context, multiply(), [dy, emitOne(context, clip(-Infinity, 0), [input(context, 0)])]),
    ],
    make: prelu,
  });

/** One number as a vector of one, which has no channels to lose. */
const oneNumber: OnnxLayout = ({ name, stored, dtype, shape, data }) => ({
  name,
  stored,
  dtype,
  shape: data.length === 1 ? [1] : shape,
  data,
});

function read(context: OnnxContext): readonly Value[] {
  const slope = context.constant(1) ? context.trained(1, oneNumber) : context.data(1);
  return context.emit(prelu(), [context.data(0), slope]);
}

export const readers: OnnxReaders = { PRelu: read };
