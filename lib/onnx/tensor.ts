// Contents of the tensors in a file: checked against their shape before anything is allocated, and
// converted to numbers when somebody asks for them, which for most weights nobody does while a network is
// only looked at. Contents may stand in the message, typed or raw, or in a file beside it.

import type { OnnxTensor } from '../ops/onnx-reader.js';
import { elements, formatShape, type Shape } from '../shape.js';
import { readExternal } from './external.js';
import { damaged } from './model-error.js';
import { elementType, knownTypeName, typeName, type TensorProto } from './schema.js';

/** Tensors of a file hold fewer elements than this; more is taken for damage. */
export const mostElements = 2 ** 31;

/** Networks use up to 6; what walks over axes may take a stack frame for each. */
const mostAxes = 64;

interface Encoding {
  readonly dtype: 'float' | 'int';
  readonly bytes: number;
  /** Contents from little-endian bytes. */
  readonly raw: (bytes: DataView) => ArrayLike<number>;
  /** Contents from the field that the format provides for this type. */
  readonly typed: (tensor: TensorProto) => readonly number[] | undefined;
}

const each =
  <T extends ArrayLike<number>>(
    bytes: number,
    make: (length: number) => T & { [index: number]: number },
    read: (view: DataView, offset: number) => number,
  ) =>
  (view: DataView): T => {
    const result = make(view.byteLength / bytes);
    for (let i = 0; i < result.length; i++) result[i] = read(view, i * bytes);
    return result;
  };

const floats = (length: number): Float32Array => new Float32Array(length);
const numbers = (length: number): Float64Array => new Float64Array(length);

const integer = (
  bytes: number,
  read: (view: DataView, offset: number) => number,
  typed: Encoding['typed'] = (t) => t.int32Data,
): Encoding => ({ dtype: 'int', bytes, raw: each(bytes, numbers, read), typed });

/** Half precision stands in `int32_data` as bit patterns. */
const half = (convert: (bits: number) => number): Encoding => ({
  dtype: 'float',
  bytes: 2,
  raw: each(2, floats, (view, at) => convert(view.getUint16(at, true))),
  typed: (t) => t.int32Data?.map(convert),
});

const encodings: ReadonlyMap<number, Encoding> = new Map<number, Encoding>([
  [
    elementType.float,
    {
      dtype: 'float',
      bytes: 4,
      raw: (view) =>
        new Float32Array(
          view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer,
        ),
      typed: (t) => t.floatData,
    },
  ],
  [
    elementType.double,
    {
      dtype: 'float',
      bytes: 8,
      raw: each(8, numbers, (v, at) => v.getFloat64(at, true)),
      typed: (t) => t.doubleData,
    },
  ],
  [elementType.float16, half(fromHalf)],
  [elementType.bfloat16, half(fromBrainFloat)],
  [
    elementType.int64,
    integer(
      8,
      (v, at) => Number(v.getBigInt64(at, true)),
      (t) => t.int64Data,
    ),
  ],
  [
    elementType.uint64,
    integer(
      8,
      (v, at) => Number(v.getBigUint64(at, true)),
      (t) => t.uint64Data,
    ),
  ],
  [elementType.int32, integer(4, (v, at) => v.getInt32(at, true))],
  [
    elementType.uint32,
    integer(
      4,
      (v, at) => v.getUint32(at, true),
      (t) => t.uint64Data,
    ),
  ],
  [elementType.int16, integer(2, (v, at) => v.getInt16(at, true))],
  [elementType.uint16, integer(2, (v, at) => v.getUint16(at, true))],
  [elementType.int8, integer(1, (v, at) => v.getInt8(at))],
  [elementType.uint8, integer(1, (v, at) => v.getUint8(at))],
  [elementType.bool, integer(1, (v, at) => v.getUint8(at))],
]);

/** Whether elements of this type can be read as numbers. */
export const isReadType = (dataType = 0): boolean => encodings.has(dataType);

/** The type of a tensor's elements, where the format has it and they are not read; null where they are. */
export const unreadType = ({ dataType = 0 }: TensorProto): string | null =>
  isReadType(dataType) ? null : (knownTypeName(elementType, dataType) ?? null);

/** A tensor of a file, and what its message or the file beside it holds for it. */
class FileTensor implements OnnxTensor {
  readonly #encoding: Encoding;
  readonly #contents: Uint8Array | readonly number[];
  #data: ArrayLike<number> | null = null;

  constructor(
    readonly name: string,
    readonly shape: Shape,
    readonly stored: boolean,
    encoding: Encoding,
    contents: Uint8Array | readonly number[],
  ) {
    this.#encoding = encoding;
    this.#contents = contents;
  }

  get dtype(): OnnxTensor['dtype'] {
    return this.#encoding.dtype;
  }

  get data(): ArrayLike<number> {
    return (this.#data ??= this.convert());
  }

  /** The contents as numbers, made for the caller. */
  convert(): ArrayLike<number> {
    return this.#contents instanceof Uint8Array ? this.#encoding.raw(view(this.#contents)) : this.#contents;
  }

  /** Equal elements have equal bytes, so none is converted. */
  isUniform(): boolean {
    const distance = this.#contents instanceof Uint8Array ? this.#encoding.bytes : 1;
    return repeatsAt(this.#contents, distance);
  }
}

function repeatsAt(list: ArrayLike<number>, distance: number): boolean {
  for (let i = distance; i < list.length; i++) if (list[i] !== list[i - distance]) return false;
  return true;
}

/** Whether all elements are one number. */
export const isUniform = (tensor: Pick<OnnxTensor, 'data'>): boolean =>
  tensor instanceof FileTensor ? tensor.isUniform() : repeatsAt(tensor.data, 1);

/** The contents in single precision, made for the caller where the tensor comes from a file. */
export function floatsOf(tensor: OnnxTensor): Float32Array {
  const data = tensor instanceof FileTensor ? tensor.convert() : tensor.data;
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

/**
 * The tensor in a message; `directory` is where external data may lie, `stored` whether it is one of the
 * file's weights. Throws ERR_MODEL.
 */
export function readTensor(
  tensor: TensorProto,
  name: string,
  {
    directory = null,
    stored = false,
  }: { readonly directory?: string | null; readonly stored?: boolean } = {},
): OnnxTensor {
  const encoding = encodings.get(tensor.dataType ?? 0);
  if (!encoding)
    damaged(`tensor '${name}': element type ${typeName(elementType, tensor.dataType ?? 0)} is not supported`);
  const count = checkShape(`tensor '${name}'`, tensor.dims);
  const contents = contentsOf(tensor, name, encoding, count, directory);
  return new FileTensor(name, tensor.dims, stored, encoding, contents);
}

function contentsOf(
  tensor: TensorProto,
  name: string,
  encoding: Encoding,
  count: number,
  directory: string | null,
): Uint8Array | readonly number[] {
  const bytes = count * encoding.bytes;
  if (tensor.dataLocation === 1) return readExternal(tensor, name, bytes, directory);
  const typed = encoding.typed(tensor) ?? [];
  const raw = tensor.rawData;
  // An absent field and an empty one look alike, so the tensor is raw unless typed contents are there.
  if (typed.length === 0 && (raw || count === 0))
    return expectLength(name, raw ?? new Uint8Array(), bytes, 'bytes', tensor.dims);
  return expectLength(name, typed, count, 'elements', tensor.dims);
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function expectLength<T extends ArrayLike<unknown>>(
  name: string,
  data: T,
  expected: number,
  unit: string,
  shape: Shape,
): T {
  if (data.length === expected) return data;
  return damaged(
    `tensor '${name}': shape ${formatShape(shape)} takes ${expected} ${unit} but there are ${data.length}`,
  );
}

/** Number of elements of a shape from a file, which must be one that memory can hold; `what` has it. */
export function checkShape(what: string, shape: Shape): number {
  if (shape.length > mostAxes) damaged(`${what}: ${shape.length} axes are more than ${mostAxes}`);
  const count = elements(shape);
  const sizes = shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!sizes || count >= mostElements)
    damaged(`${what}: shape ${formatShape(shape)} is not one a tensor can have`);
  return count;
}

/** IEEE 754 half precision: sign, 5 bits of exponent, 10 bits of fraction. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a single-precision number. */
function fromBrainFloat(bits: number): number {
  const word = new DataView(new ArrayBuffer(4));
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}
