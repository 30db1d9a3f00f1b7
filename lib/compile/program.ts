// The whole contract between TypeScript and C++: plain, structured-cloneable data. Its one mirror is
// native/program.h. Logical shapes are row-major, [N, C, H, W]; the device chooses layouts and memory.
//
// Kernels, with inputs -> outputs (optional ones in brackets, attributes in braces):
//
//   conv                    x w [b] -> y                 {strides padding dilations groups [epilogue]}
//   conv_backward_data      dy w -> dx                   {strides padding dilations groups}
//   conv_backward_weights   x dy -> dw [db]              {strides padding dilations groups}
//   linear                  x[N,I] w[O,I] [b] -> y[N,O]  {[epilogue]}
//   linear_backward_data    dy w -> dx
//   linear_backward_weights x dy -> dw [db]
//   batch_norm              x scale bias mean var -> y batchMean batchInvStd [mean var]
//                                                        {epsilon momentum [epilogue]}
//       momentum is the weight of the new batch (PyTorch's); the unbiased batch variance is what
//       enters `var`. `mean var` are the running statistics, updated in place in mode `train` only.
//       x is an image, here and below; the host reshapes what has fewer axes.
//   batch_norm_inference    x scale bias mean var -> y   {epsilon [epilogue]}
//   batch_norm_backward     x dy scale batchMean batchInvStd [bias] -> dx dscale dbias   {[epilogue]}
//       with epilogue relu, dy is first masked where scale (x - batchMean) batchInvStd + bias is not above 0
//   unary                   x -> y                       {function [its parameters]}
//   unary_backward          dy x y -> dx                 {function [its parameters]}
//       relu, leaky_relu {alpha}, elu {alpha gamma rate}, sigmoid, tanh, silu, gelu, gelu_tanh,
//       softplus, mish, softsign, hard_sigmoid {alpha beta}, hard_swish, clip {min max}, abs, identity,
//       affine {alpha beta}, exp, log, sqrt, erf, power {exponent}; where the gradient follows from y
//       alone (relu, leaky_relu), y may stand for x too
//   sum                     x1 ... xn -> y               {[epilogue]}   same shapes
//   concat                  x1 ... xn -> y               {axis}
//   split                   x -> y1 ... yn               {axis}   sizes from the outputs
//   max_pool                x -> y                       {kernel strides padding dilations}
//   max_pool_backward       dy x -> dx                   {as max_pool}
//       the first maximum in scan order gets it all
//   average_pool            x -> y                       {kernel strides padding countIncludePad}
//       the divisor counts the places inside the image, or those inside the padded image
//   average_pool_backward   dy -> dx                     {as average_pool}
//   global_average_pool     x[N,C,H,W] -> y[N,C,1,1]
//   global_average_pool_backward  dy -> dx
//   resize                  x -> y                       {mode coordinates}   nearest | linear,
//                                                        half_pixel | asymmetric | align_corners
//       the factor is the ratio of the sizes; nearest takes the floor of an asymmetric position and
//       otherwise rounds, halves down
//   resize_backward         dy -> dx                     {as resize}
//   reshape                 x -> y
//   softmax_cross_entropy   logits[N,K] labels(i32[N] or f32[N,K]) -> loss[1] probabilities correct[1]
//                                                        {smoothing}    mean over the rows that count:
//       a row whose integer label is -1 is padding, it adds nothing to loss, correct and gradient
//   softmax_cross_entropy_backward  probabilities labels -> dlogits   {smoothing}
//   slice                   x -> y                       {axes starts steps}   axis a of y is axis a of x
//       at starts + i steps; steps may be negative; axes that are not named are whole
//   pad                     x -> y                       {axes starts steps value}   the reverse: x goes
//       where slice would take it from, `value` everywhere else
//   transpose               x -> y                       {permutation}   axis i of y is axis p[i] of x
//   expand                  x -> y                       {factor}   y = factor x, broadcast to y's shape
//   reduce                  x -> y                       {axes function}   sum | mean over `axes`, which
//       y has at size one or not at all
//   dot                     a b -> y[1]                  y = sum of a b, same shapes
//   binary                  a b -> y                     {function}   broadcasting: add | sub | mul | div |
//       max | min, comparisons greater | greater_or_equal that give 1 or 0, select: a where b is not zero,
//       reject: a where it is, leaky: a, below zero b a, and leaky_slope, its derivative in a
//   matmul                  a[..,M,K] b[..,K,N] -> y[..,M,N]   {transposeA transposeB}   transposed as
//       stored; the leading axes of b are those of a, or absent
//   softmax                 x -> y                       {axis}
//   softmax_backward        dy y -> dx                   {axis}
//   layer_norm              x [scale bias] -> y mean invStd   {axis epsilon}   over `axis` and all after
//       it, which scale and bias have; mean and invStd have the axes before it
//   layer_norm_backward     x dy [scale] mean invStd -> dx [dscale dbias]   {axis}
//   update                  see lib/compile/update.ts
//
// padding is [top, left, bottom, right].

import type { Attributes } from '../graph.js';
import type { DType, Shape } from '../shape.js';

/** Memory that lives as long as the session; parameters, gradients and optimizer state have one each. */
export interface Arena {
  readonly name: string;
  readonly dtype: DType;
  /** Number of elements. */
  readonly length: number;
}

/**
 * Where a tensor lives: in an arena (offset in elements), in a buffer that the caller fills before
 * a run, in one that the caller reads after it, or in planned memory that only steps see.
 */
export type Storage =
  | { readonly kind: 'arena'; readonly arena: number; readonly offset: number }
  | { readonly kind: 'input' }
  | { readonly kind: 'output' }
  | { readonly kind: 'temporary' };

export interface Tensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly storage: Storage;
}

/** One kernel call; inputs and outputs index `Program.tensors`. */
export interface Step {
  readonly kernel: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly attrs: Attributes;
  /** The node this came from, for error messages and traces. */
  readonly label: string;
}

/** A named sequence of steps that one call runs; `inputs` and `outputs` are looked up by tensor name. */
export interface Entry {
  readonly name: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly steps: readonly Step[];
}

/** Entries share arenas; everything else belongs to one entry. */
export interface Program {
  /** `cpu`, `cuda`, `cuda:1`. */
  readonly device: string;
  readonly arenas: readonly Arena[];
  readonly tensors: readonly Tensor[];
  readonly entries: readonly Entry[];
}
