// Where ONNX's Slice cuts, for whoever reads it: of data, or of a constant that is folded away.

import { dim, type Shape } from '../shape.js';

/** One entry for each axis that is cut. */
export interface SliceLists {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly axes: readonly number[];
  readonly steps: readonly number[];
}

export interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  /** Below zero where the end lies before the start. */
  readonly length: number;
}

/** Calls `refuse` where lists differ in length or a step is 0; `front` is an axis as counted from the front. */
export function cutsOf(
  { starts, ends, axes, steps }: SliceLists,
  shape: Shape,
  front: (axis: number) => number,
  refuse: (message: string) => never,
): readonly Cut[] {
  if ([ends, axes, steps].some(({ length }) => length !== starts.length))
    refuse(`${starts.length} starts, ${ends.length} ends, ${axes.length} axes and ${steps.length} steps`);
  if (steps.includes(0)) refuse('a slice with step 0');
  return axes.map((listed, k) => {
    const axis = front(listed);
    const step = steps[k] as number;
    const start = inside(starts[k] as number, dim(shape, axis), step);
    const end = inside(ends[k] as number, dim(shape, axis), step);
    return { axis, start, step, length: Math.ceil((end - start) / step) };
  });
}

/** ONNX counts negative positions from the end and moves those beyond an end to it. */
function inside(position: number, size: number, step: number): number {
  const front = position < 0 ? position + size : position;
  return step > 0 ? Math.min(Math.max(front, 0), size) : Math.min(Math.max(front, -1), size - 1);
}
