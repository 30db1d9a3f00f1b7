// Reference kernels that normalise along axes: softmax along one, layer normalisation over an axis and
// all after it.

import { elements } from '../lib/shape.js';
import { at, numberOf } from './reference-operand.js';
import type { Operand, ReferenceKernel } from './reference-operand.js';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const pick = (x: Operand, indices: readonly number[]): number[] => indices.map((i) => x.data[i] as number);

/** Indices of every line of `x` along `axis`. */
function lines(x: Operand, axis: number): number[][] {
  const length = x.shape[axis] as number;
  const inner = elements(x.shape.slice(axis + 1));
  return Array.from({ length: x.data.length / length }, (_, line) => {
    const start = Math.floor(line / inner) * length * inner + (line % inner);
    return Array.from({ length }, (_, i) => start + i * inner);
  });
}

const softmax: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, y] = [at(inputs, 0), at(outputs, 0)];
  for (const line of lines(x, numberOf(attrs, 'axis'))) {
    const largest = Math.max(...pick(x, line));
    const powers = pick(x, line).map((value) => Math.exp(value - largest));
    line.forEach((index, i) => (y.data[index] = (powers[i] as number) / sum(powers)));
  }
};

/** dx = y * (dy - sum dy*y) */
const softmaxBackward: ReferenceKernel = (inputs, outputs, attrs) => {
  const [dy, y, dx] = [at(inputs, 0), at(inputs, 1), at(outputs, 0)];
  for (const line of lines(y, numberOf(attrs, 'axis'))) {
    const product = sum(line.map((i) => (dy.data[i] as number) * (y.data[i] as number)));
    for (const i of line) dx.data[i] = (y.data[i] as number) * ((dy.data[i] as number) - product);
  }
};

/** Indices of every row: all elements that share their position before `axis`. */
function rows(x: Operand, axis: number): number[][] {
  const length = elements(x.shape.slice(axis));
  return Array.from({ length: x.data.length / length }, (_, row) =>
    Array.from({ length }, (_, i) => row * length + i),
  );
}

const layerNorm: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, scale, bias] = [at(inputs, 0), inputs[1], inputs[2]];
  const [y, mean, invStd] = [at(outputs, 0), at(outputs, 1), at(outputs, 2)];
  rows(x, numberOf(attrs, 'axis')).forEach((row, r) => {
    const values = pick(x, row);
    const mu = sum(values) / row.length;
    const variance = sum(values.map((value) => (value - mu) ** 2)) / row.length;
    const inverse = 1 / Math.sqrt(variance + numberOf(attrs, 'epsilon'));
    row.forEach((index, i) => {
      const normalised = ((values[i] as number) - mu) * inverse;
      y.data[index] = normalised * (scale?.data[i] ?? 1) + (bias?.data[i] ?? 0);
    });
    mean.data[r] = mu;
    invStd.data[r] = inverse;
  });
};

/**
 * With xn = (x - mean) * invStd and g = dy * scale over the m elements of a row:
 * dx = invStd * (g - sum g / m - xn * sum g*xn / m); dscale = sum dy*xn and dbias = sum dy over rows.
 * Without a scale it is one.
 */
const layerNormBackward: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, dy, scale] = [at(inputs, 0), at(inputs, 1), inputs.length > 4 ? inputs[2] : undefined];
  const [mean, invStd] = [at(inputs, inputs.length - 2), at(inputs, inputs.length - 1)];
  const [dx, dscale, dbias] = [at(outputs, 0), outputs[1], outputs[2]];
  dscale?.data.fill(0);
  dbias?.data.fill(0);
  rows(x, numberOf(attrs, 'axis')).forEach((row, r) => {
    const inverse = invStd.data[r] as number;
    const xn = pick(x, row).map((value) => (value - (mean.data[r] as number)) * inverse);
    const upstream = pick(dy, row);
    const g = upstream.map((value, i) => value * (scale?.data[i] ?? 1));
    const product = sum(g.map((value, i) => value * (xn[i] as number)));
    row.forEach((index, i) => {
      const centred = (g[i] as number) - (sum(g) + (xn[i] as number) * product) / row.length;
      dx.data[index] = inverse * centred;
      if (!dscale || !dbias) return;
      dscale.data[i] = (dscale.data[i] as number) + (upstream[i] as number) * (xn[i] as number);
      dbias.data[i] = (dbias.data[i] as number) + (upstream[i] as number);
    });
  });
};

export const rowKernels: Readonly<Record<string, ReferenceKernel>> = {
  softmax,
  softmax_backward: softmaxBackward,
  layer_norm: layerNorm,
  layer_norm_backward: layerNormBackward,
};
