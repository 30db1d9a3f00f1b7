// Types of values as a file declares them, with sizes for what it leaves open.

import type { DType, Shape, TensorType } from '../shape.js';
import { damaged } from './model-error.js';
import { elementType, isFloatType, typeName, type DimensionProto, type ValueInfoProto } from './schema.js';
import { checkShape, isReadType } from './tensor.js';

/** All integers and flags are 32 bits wide. */
const valueType = (type = 0): DType => (isFloatType(type) ? 'f32' : 'i32');

/** The declarations of one file. Names of sizes get their meaning from the inputs. */
export class DeclaredTypes {
  readonly #declared: ReadonlyMap<string, ValueInfoProto>;
  readonly #sizes = new Map<string, number>();
  /** What an open batch axis stands for: that of the first input that has axes, or 1. */
  #batch: number | undefined;

  constructor(declared: readonly ValueInfoProto[]) {
    this.#declared = new Map(declared.map((value) => [value.name ?? '', value]));
  }

  /**
   * The type of an input, in the shape that was asked for or the one that is declared; what that leaves open
   * is as in `image`, where there is one.
   */
  input(input: ValueInfoProto, asked: Shape | undefined, image: Shape | undefined): TensorType {
    const { elemType = 0, shape } =
      input.type?.tensorType ?? damaged(`input '${input.name}' is not a tensor`);
    if (!isReadType(elemType))
      damaged(`input '${input.name}': element type ${typeName(elementType, elemType)} is not supported`);
    const dims = shape?.dim ?? [];
    const sizes = asked ?? (shape ? closed(input, dims, image, this.#batch) : unstated(input, image));
    this.#batch ??= sizes[0];
    if (shape) requireFit(input, dims, sizes);
    if (checkShape(`input '${input.name}'`, sizes) === 0) damaged(`input '${input.name}' has no elements`);
    dims.forEach((dim, axis) => this.#sizes.set(dim.dimParam ?? '', sizes[axis] as number));
    return { dtype: valueType(elemType), shape: sizes };
  }

  /** The declared type of a value; null where there is none or a size is unknown. */
  declared(name: string): TensorType | null {
    const { elemType, shape } = this.#declared.get(name)?.type?.tensorType ?? {};
    const sizes = shape?.dim.map((dim) => (dim.dimParam ? this.#sizes.get(dim.dimParam) : dim.dimValue));
    if (!sizes?.every((size) => size !== undefined && size >= 0)) return null;
    return { dtype: valueType(elemType), shape: sizes as number[] };
  }
}

/** A declared size; the batch for an open first axis, which files of old declare as 0 or -1. */
function openSize(dim: DimensionProto, axis: number, batch: number): number | undefined {
  const size = dim.dimParam ? undefined : dim.dimValue;
  return axis === 0 && (size ?? 0) <= 0 ? batch : size;
}

/** Sizes of all axes; those of an image stand for open ones where the input has its axes. */
function closed(
  input: ValueInfoProto,
  dims: readonly DimensionProto[],
  image: Shape | undefined,
  batch = 1,
): Shape {
  const usual = image && image.length + 1 === dims.length ? [1, ...image] : [];
  return dims.map((dim, axis) => openSize(dim, axis, batch) ?? usual[axis] ?? openAxis(input, dims, axis));
}

const unstated = ({ name = '' }: ValueInfoProto, image: Shape | undefined): Shape =>
  image ? [1, ...image] : damaged(`input '${name}' has no shape; ${advice(name, true)}`);

function openAxis({ name = '' }: ValueInfoProto, dims: readonly DimensionProto[], axis: number): never {
  const called = dims[axis]?.dimParam ? ` ('${dims[axis].dimParam}')` : '';
  const open = `input '${name}' leaves the size of axis ${axis}${called} open`;
  return damaged(`${open}; ${advice(name, dims.length === imageAxes)}`);
}

/** Images and their batch. */
const imageAxes = 4;

const advice = (name: string, isImage: boolean): string =>
  `give it ${isImage ? 'with --input C,H,W (inspect, construct), or ' : ''}in code with shapes: {'${name}': [...]}`;

function requireFit(input: ValueInfoProto, dims: readonly DimensionProto[], sizes: Shape): void {
  const fixed = dims.map((dim, axis) =>
    dim.dimParam || (axis === 0 && (dim.dimValue ?? 0) <= 0) ? undefined : dim.dimValue,
  );
  const fits =
    sizes.length === dims.length && fixed.every((size, axis) => (size ?? sizes[axis]) === sizes[axis]);
  if (fits) return;
  const declared = dims.map((dim) => dim.dimValue ?? dim.dimParam ?? '?').join(',');
  damaged(`input '${input.name}' is declared as [${declared}] but [${sizes.join(',')}] was asked for`);
}
