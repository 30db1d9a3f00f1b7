// Reference kernels of convolutions and matrix products: one loop over all multiply-accumulates, of
// which the result and both gradients are three readings.

import type { Attributes } from '../lib/graph.js';
import { applyEpilogue, at, imageShape, numberOf, numbersOf } from './reference-operand.js';
import type { Operand, ReferenceKernel } from './reference-operand.js';

/** Called with the flat indices of x, w and y, once for each product x*w that y sums. */
type Visit = (x: number, w: number, y: number) => void;

/** All products of y[n,o,p,q] = sum x[n, c, p*s + i*d - pad, q*s + j*d - pad] * w[o, c, i, j]. */
function convolutionProducts(x: Operand, w: Operand, y: Operand, attrs: Attributes, visit: Visit): void {
  const [, C, H, W] = imageShape(x);
  const [O, groupC, KH, KW] = imageShape(w);
  const [N, , P, Q] = imageShape(y);
  const [strideH = 1, strideW = 1] = numbersOf(attrs, 'strides');
  const [dilationH = 1, dilationW = 1] = numbersOf(attrs, 'dilations');
  const [top = 0, left = 0] = numbersOf(attrs, 'padding');
  const groups = numberOf(attrs, 'groups');
  for (let n = 0; n < N; n += 1)
    for (let o = 0; o < O; o += 1)
      for (let c = 0; c < groupC; c += 1)
        for (let i = 0; i < KH; i += 1)
          for (let j = 0; j < KW; j += 1)
            for (let p = 0; p < P; p += 1)
              for (let q = 0; q < Q; q += 1) {
                const h = p * strideH + i * dilationH - top;
                const v = q * strideW + j * dilationW - left;
                if (h < 0 || h >= H || v < 0 || v >= W) continue;
                const channel = Math.floor(o / (O / groups)) * groupC + c;
                visit(
                  ((n * C + channel) * H + h) * W + v,
                  ((o * groupC + c) * KH + i) * KW + j,
                  ((n * O + o) * P + p) * Q + q,
                );
              }
}

/** All products of y[n,o] = sum x[n,i] * w[o,i]. */
function linearProducts(_x: Operand, w: Operand, y: Operand, _attrs: Attributes, visit: Visit): void {
  const [N = 0, O = 0] = y.shape;
  const [, I = 0] = w.shape;
  for (let n = 0; n < N; n += 1)
    for (let o = 0; o < O; o += 1) for (let i = 0; i < I; i += 1) visit(n * I + i, o * I + i, n * O + o);
}

type Products = typeof convolutionProducts;

/** Visits every element of an output [N, O, ...] with its channel. */
function forEachChannel(y: Operand, visit: (index: number, channel: number) => void): void {
  const [, O = 1, ...rest] = y.shape;
  const area = rest.reduce((product, size) => product * size, 1);
  for (let index = 0; index < y.data.length; index += 1) visit(index, Math.floor(index / area) % O);
}

function add(target: Float64Array, index: number, value: number): void {
  target[index] = (target[index] as number) + value;
}

const forward =
  (products: Products): ReferenceKernel =>
  (inputs, outputs, attrs) => {
    const [x, w, y] = [at(inputs, 0), at(inputs, 1), at(outputs, 0)];
    y.data.fill(0);
    products(x, w, y, attrs, (i, j, k) => add(y.data, k, (x.data[i] as number) * (w.data[j] as number)));
    const bias = inputs[2];
    if (bias) forEachChannel(y, (index, channel) => add(y.data, index, bias.data[channel] as number));
    applyEpilogue(y, attrs);
  };

const backwardData =
  (products: Products): ReferenceKernel =>
  (inputs, outputs, attrs) => {
    const [dy, w, dx] = [at(inputs, 0), at(inputs, 1), at(outputs, 0)];
    dx.data.fill(0);
    products(dx, w, dy, attrs, (i, j, k) => add(dx.data, i, (w.data[j] as number) * (dy.data[k] as number)));
  };

const backwardWeights =
  (products: Products): ReferenceKernel =>
  (inputs, outputs, attrs) => {
    const [x, dy, dw] = [at(inputs, 0), at(inputs, 1), at(outputs, 0)];
    dw.data.fill(0);
    products(x, dw, dy, attrs, (i, j, k) => add(dw.data, j, (x.data[i] as number) * (dy.data[k] as number)));
    const db = outputs[1];
    if (!db) return;
    db.data.fill(0);
    forEachChannel(dy, (index, channel) => add(db.data, channel, dy.data[index] as number));
  };

export const productKernels: Readonly<Record<string, ReferenceKernel>> = {
  conv: forward(convolutionProducts),
  conv_backward_data: backwardData(convolutionProducts),
  conv_backward_weights: backwardWeights(convolutionProducts),
  linear: forward(linearProducts),
  linear_backward_data: backwardData(linearProducts),
  linear_backward_weights: backwardWeights(linearProducts),
};
