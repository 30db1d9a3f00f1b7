// Reads and writes the safetensors format: 8 bytes of header length (little endian), a JSON header
// that maps names to type, shape and byte range, then the raw bytes. Float32 tensors only, since
// that is all a network has. Knows nothing of networks; any safetensors reader opens the files.

import { HalfspaceError } from '../errors.js';
import { elements, type Shape } from '../shape.js';

/** A tensor in a file. */
export interface StoredTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** The contents of a file; metadata are free texts. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const lengthBytes = 8;
/** The published limit of the header, which keeps a corrupt length from allocating memory. */
const largestHeader = 100_000_000;
const metadataKey = '__metadata__';

/** The bytes of a file, tensors in the order of the map. */
export function encodeTensors({ tensors, metadata }: TensorFile): Uint8Array {
  const entries: [string, unknown][] = [[metadataKey, metadata]];
  let size = 0;
  for (const [name, { shape, data }] of tensors) {
    entries.push([name, { dtype: 'F32', shape, data_offsets: [size, size + data.byteLength] }]);
    size += data.byteLength;
  }
  const header = encodeHeader(Object.fromEntries(entries));
  const bytes = new Uint8Array(lengthBytes + header.length + size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, lengthBytes);
  let at = lengthBytes + header.length;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** JSON padded with spaces, so that the data behind it is aligned to 8 bytes. */
function encodeHeader(header: Readonly<Record<string, unknown>>): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const padding = (lengthBytes - (text.length % lengthBytes)) % lengthBytes;
  return Buffer.concat([text, Buffer.alloc(padding, ' ')]);
}

/** The contents of a file; throws ERR_RUN, with `source` in front, where it is not one. */
export function decodeTensors(bytes: Uint8Array, source: string): TensorFile {
  const start = dataStart(bytes, source);
  const { [metadataKey]: metadata = {}, ...entries } = parseHeader(
    bytes.subarray(lengthBytes, start),
    source,
  );
  const body = bytes.subarray(start);
  const tensors = Object.entries(entries).map(
    ([name, entry]) =>
      [name, decodeTensor(body, entry as HeaderEntry, `${source}: tensor '${name}'`)] as const,
  );
  return { tensors: new Map(tensors), metadata: metadata as Readonly<Record<string, string>> };
}

function dataStart(bytes: Uint8Array, source: string): number {
  if (bytes.length < lengthBytes)
    fail(source, `expected at least ${lengthBytes} bytes, found ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > largestHeader || lengthBytes + length > bytes.length) {
    fail(source, `the header says ${length} bytes, the file has ${bytes.length}`);
  }
  return lengthBytes + length;
}

function parseHeader(bytes: Uint8Array, source: string): Readonly<Record<string, unknown>> {
  try {
    const header: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof header === 'object' && header !== null) return header as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new HalfspaceError('ERR_RUN', `${source}: the header is not JSON`, { cause: error });
  }
  return fail(source, 'the header is not a JSON object');
}

function decodeTensor(body: Uint8Array, entry: HeaderEntry, source: string): StoredTensor {
  if (entry?.dtype !== 'F32') fail(source, `expected dtype F32, found ${entry?.dtype}`);
  const shape = entry.shape ?? [];
  const [begin, end] = entry.data_offsets ?? [0, 0];
  const expected = elements(shape) * Float32Array.BYTES_PER_ELEMENT;
  if (!(end - begin === expected && begin >= 0 && end <= body.length)) {
    fail(
      source,
      `shape [${shape.join(',')}] needs ${expected} bytes, found ${begin}..${end} of ${body.length}`,
    );
  }
  // Copied, because the bytes of a file need not be aligned to four (`slice` of a Buffer is a view).
  return { shape, data: new Float32Array(new Uint8Array(body.subarray(begin, end)).buffer) };
}

function fail(source: string, message: string): never {
  throw new HalfspaceError('ERR_RUN', `${source}: ${message}`);
}
