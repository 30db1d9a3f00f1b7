// As much of the MATLAB 5 format as data sets use: named arrays of unsigned bytes, compressed or
// not, little-endian. A file is a header of 128 bytes and elements, each a tag (type, bytes)
// and data padded to 8 bytes; small elements keep type, size and up to 4 bytes of data in one tag.

import { dataError, inflated, readBytes } from './files.js';

const TYPE = { int8: 1, uint8: 2, double: 9, matrix: 14, compressed: 15 } as const;
const HEADER = 128;
const MOST_AXES = 8;

/** Column-major: the first size varies fastest, as MATLAB stores it. */
export interface MatArray {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly data: Uint8Array;
}

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
  /** Where the next element starts. */
  readonly end: number;
}

/** All arrays of a file, by name. */
export async function readMat(path: string): Promise<ReadonlyMap<string, MatArray>> {
  const bytes = await readBytes(path);
  checkHeader(path, bytes);
  const arrays = new Map<string, MatArray>();
  for (let at = HEADER; at < bytes.length;) {
    const element = elementAt(path, bytes, at, false);
    const array = parseArray(path, await unpacked(path, element));
    arrays.set(array.name, array);
    at = element.end;
  }
  return arrays;
}

function checkHeader(path: string, bytes: Uint8Array): void {
  const found = new TextDecoder('latin1').decode(bytes.subarray(0, 10));
  const order = new TextDecoder('latin1').decode(bytes.subarray(126, HEADER));
  if (found === 'MATLAB 5.0' && order === 'IM') return;
  throw dataError(
    path,
    `expected the header of a little-endian MATLAB 5.0 file, found '${found}' and '${order}'`,
  );
}

async function unpacked(path: string, element: Element): Promise<Uint8Array> {
  if (element.type === TYPE.matrix) return element.data;
  if (element.type !== TYPE.compressed)
    throw dataError(path, `expected an array, found element type ${element.type}`);
  const inside = elementAt(path, await inflated(path, element.data), 0, true);
  if (inside.type !== TYPE.matrix)
    throw dataError(path, `expected an array, found element type ${inside.type}`);
  return inside.data;
}

/** Parts of an array, in order: flags, sizes, name, data. */
function parseArray(path: string, matrix: Uint8Array): MatArray {
  const flags = elementAt(path, matrix, 0, true);
  const sizes = elementAt(path, matrix, flags.end, true);
  const name = elementAt(path, matrix, sizes.end, true);
  const data = elementAt(path, matrix, name.end, true);
  const array = {
    name: new TextDecoder('latin1').decode(name.data),
    sizes: sizesOf(path, sizes),
    data: asBytes(path, data),
  };
  const expected = array.sizes.reduce((product, size) => product * size, 1);
  if (expected === array.data.length) return array;
  throw dataError(
    path,
    `array '${array.name}' is ${array.sizes.join('x')} but holds ${array.data.length} elements`,
  );
}

function sizesOf(path: string, element: Element): readonly number[] {
  const sizes = new Int32Array(aligned(path, element.data, 4));
  if (sizes.length <= MOST_AXES) return [...sizes];
  throw dataError(path, `expected an array of at most ${MOST_AXES} axes, found ${sizes.length}`);
}

/** Compressed elements are not padded, all others are. */
function elementAt(path: string, bytes: Uint8Array, at: number, padded: boolean): Element {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (at + 8 > bytes.length) throw dataError(path, `expected an element at byte ${at}, found the end`);
  const word = view.getUint32(at, true);
  if (word >>> 16 !== 0) {
    return { type: word & 0xffff, data: bytes.subarray(at + 4, at + 4 + (word >>> 16)), end: at + 8 };
  }
  const size = view.getUint32(at + 4, true);
  const start = at + 8;
  if (start + size > bytes.length) {
    throw dataError(path, `expected ${size} bytes after byte ${start}, found ${bytes.length - start}`);
  }
  const end = start + (padded ? Math.ceil(size / 8) * 8 : size);
  return { type: word, data: bytes.subarray(start, start + size), end };
}

/** Doubles are taken too: MATLAB itself stores those that fit into a byte as bytes, other programs do not. */
function asBytes(path: string, element: Element): Uint8Array {
  if (element.type === TYPE.uint8 || element.type === TYPE.int8) return element.data;
  if (element.type === TYPE.double) {
    return Uint8Array.from(new Float64Array(aligned(path, element.data, 8)));
  }
  throw dataError(path, `expected unsigned bytes, found element type ${element.type}`);
}

/** A copy, since views of larger numbers must start at a multiple of their size. */
function aligned(path: string, data: Uint8Array, size: number): ArrayBuffer {
  if (data.length % size === 0) return new Uint8Array(data).buffer;
  throw dataError(path, `expected whole numbers of ${size} bytes, found ${data.length} bytes`);
}
