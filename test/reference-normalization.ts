// Reference kernels that normalise: batch normalisation in its three forms, and softmax with
// cross-entropy, which normalises rows into probabilities.

import { elements } from '../lib/shape.js';
import { applyEpilogue, at, numberOf } from './reference-operand.js';
import type { Operand, ReferenceKernel } from './reference-operand.js';

/** Flat indices of all elements of channel `c`. */
function channelIndices(x: Operand, c: number): number[] {
  const [N = 0, C = 0, ...rest] = x.shape;
  const area = elements(rest);
  const indices: number[] = [];
  for (let n = 0; n < N; n += 1) for (let i = 0; i < area; i += 1) indices.push((n * C + c) * area + i);
  return indices;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** y = scale * (x - mean) * invStd + bias, with statistics over all axes but 1. */
const batchNorm: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map((i) => at(inputs, i)) as FiveOperands;
  const [y, batchMean, batchInvStd] = [0, 1, 2].map((i) => at(outputs, i)) as [Operand, Operand, Operand];
  const momentum = numberOf(attrs, 'momentum');
  for (let c = 0; c < scale.data.length; c += 1) {
    const indices = channelIndices(x, c);
    const mu = sum(indices.map((i) => x.data[i] as number)) / indices.length;
    const squares = sum(indices.map((i) => ((x.data[i] as number) - mu) ** 2));
    const invStd = 1 / Math.sqrt(squares / indices.length + numberOf(attrs, 'epsilon'));
    for (const i of indices) {
      y.data[i] =
        (scale.data[c] as number) * ((x.data[i] as number) - mu) * invStd + (bias.data[c] as number);
    }
    batchMean.data[c] = mu;
    batchInvStd.data[c] = invStd;
    if (outputs.length < 5) continue;
    const unbiased = squares / Math.max(1, indices.length - 1);
    at(outputs, 3).data[c] = (1 - momentum) * (mean.data[c] as number) + momentum * mu;
    at(outputs, 4).data[c] = (1 - momentum) * (variance.data[c] as number) + momentum * unbiased;
  }
  applyEpilogue(y, attrs);
};

type FiveOperands = [Operand, Operand, Operand, Operand, Operand];

const batchNormInference: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map((i) => at(inputs, i)) as FiveOperands;
  const y = at(outputs, 0);
  for (let c = 0; c < scale.data.length; c += 1) {
    const deviation = Math.sqrt((variance.data[c] as number) + numberOf(attrs, 'epsilon'));
    for (const i of channelIndices(x, c)) {
      const normalised = ((x.data[i] as number) - (mean.data[c] as number)) / deviation;
      y.data[i] = (scale.data[c] as number) * normalised + (bias.data[c] as number);
    }
  }
  applyEpilogue(y, attrs);
};

/**
 * With xn = (x - mean) * invStd over m elements of a channel:
 * dbias = sum dy, dscale = sum dy*xn, dx = scale * invStd * (dy - dbias/m - xn * dscale/m), where an
 * epilogue lets dy through only where scale * xn + bias is above zero.
 */
const batchNormBackward: ReferenceKernel = (inputs, outputs, attrs) => {
  const [x, dy, scale, batchMean, batchInvStd] = [0, 1, 2, 3, 4].map((i) => at(inputs, i)) as FiveOperands;
  const [dx, dscale, dbias] = [0, 1, 2].map((i) => at(outputs, i)) as [Operand, Operand, Operand];
  const bias = attrs['epilogue'] === 'relu' ? at(inputs, 5) : null;
  for (let c = 0; c < scale.data.length; c += 1) {
    const indices = channelIndices(x, c);
    const invStd = batchInvStd.data[c] as number;
    const xn = indices.map((i) => ((x.data[i] as number) - (batchMean.data[c] as number)) * invStd);
    const alive = (k: number): boolean =>
      !bias || (scale.data[c] as number) * (xn[k] as number) + (bias.data[c] as number) > 0;
    const g = indices.map((i, k) => (alive(k) ? (dy.data[i] as number) : 0));
    const gradientSum = sum(g);
    const product = sum(g.map((value, k) => value * (xn[k] as number)));
    indices.forEach((i, k) => {
      const centred = (g[k] as number) - (gradientSum + (xn[k] as number) * product) / indices.length;
      dx.data[i] = (scale.data[c] as number) * invStd * centred;
    });
    dscale.data[c] = product;
    dbias.data[c] = gradientSum;
  }
};

/** Target distribution of a row, smoothed: (1 - s) * target + s / K; null for a padding row. */
function target(labels: Operand, row: number, K: number, smoothing: number): number[] | null {
  const label = labels.data[row] as number;
  if (labels.shape.length === 1 && label === -1) return null;
  const hard = (k: number): number => (k === label ? 1 : 0);
  const soft = (k: number): number => labels.data[row * K + k] as number;
  const plain = labels.shape.length === 1 ? hard : soft;
  return Array.from({ length: K }, (_, k) => (1 - smoothing) * plain(k) + smoothing / K);
}

const firstMaximum = (values: readonly number[]): number => values.indexOf(Math.max(...values));

function softmax(row: readonly number[]): number[] {
  const largest = Math.max(...row);
  const powers = row.map((value) => Math.exp(value - largest));
  return powers.map((value) => value / sum(powers));
}

/** The targets of all rows, and how many rows count. */
function targets(labels: Operand, shape: readonly number[], smoothing: number) {
  const [N = 0, K = 0] = shape;
  const rows = Array.from({ length: N }, (_, n) => target(labels, n, K, smoothing));
  return { K, rows, count: Math.max(1, rows.filter((row) => row !== null).length) };
}

/** loss = mean over rows of -sum_k t_k log p_k; a row is correct where p and t peak together. */
const softmaxCrossEntropy: ReferenceKernel = (inputs, outputs, attrs) => {
  const [logits, labels] = [at(inputs, 0), at(inputs, 1)];
  const [loss, probabilities, correct] = [at(outputs, 0), at(outputs, 1), at(outputs, 2)];
  const { K, rows, count } = targets(labels, logits.shape, numberOf(attrs, 'smoothing', 0));
  let total = 0;
  let hits = 0;
  rows.forEach((t, n) => {
    const row = [...logits.data.subarray(n * K, (n + 1) * K)];
    const p = softmax(row);
    probabilities.data.set(p, n * K);
    if (t === null) return;
    const largest = Math.max(...row);
    const logSum = largest + Math.log(sum(row.map((value) => Math.exp(value - largest))));
    total += sum(t.map((weight, k) => weight * (logSum - (row[k] as number))));
    if (firstMaximum(row) === firstMaximum(t)) hits += 1;
  });
  loss.data[0] = total / count;
  correct.data[0] = hits;
};

/** dlogits = (p * sum t - t) / rows that count. */
const softmaxCrossEntropyBackward: ReferenceKernel = (inputs, outputs, attrs) => {
  const [probabilities, labels, dlogits] = [at(inputs, 0), at(inputs, 1), at(outputs, 0)];
  const { K, rows, count } = targets(labels, probabilities.shape, numberOf(attrs, 'smoothing', 0));
  dlogits.data.fill(0);
  rows.forEach((t, n) => {
    if (t === null) return;
    const mass = sum(t);
    t.forEach((weight, k) => {
      dlogits.data[n * K + k] = ((probabilities.data[n * K + k] as number) * mass - weight) / count;
    });
  });
};

export const normalizationKernels: Readonly<Record<string, ReferenceKernel>> = {
  batch_norm: batchNorm,
  batch_norm_inference: batchNormInference,
  batch_norm_backward: batchNormBackward,
  softmax_cross_entropy: softmaxCrossEntropy,
  softmax_cross_entropy_backward: softmaxCrossEntropyBackward,
};
