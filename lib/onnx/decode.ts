// The bytes of a file to a model, message by message as `layouts` describes them. Graphs have hundreds of
// thousands of small messages, so each is made once, as the object that everybody reads: 64-bit integers
// are numbers, contents of tensors are views of the file, repeated fields that are absent share one empty
// list. Unknown fields are skipped, as protocol buffers promise.

import protobuf from 'protobufjs/minimal.js';
import { HalfspaceError } from '../errors.js';
import { layouts, type Field, type GraphProto, type ModelProto } from './schema.js';

type Reader = protobuf.Reader;

/** The model in `bytes`. Throws ERR_MODEL where these are no protocol buffers. */
export const decodeModel = (bytes: Uint8Array): ModelProto =>
  decode('ModelProto', bytes, 'not an ONNX model') as ModelProto;

/** The graph in an attribute. Throws likewise. */
export const decodeBody = (bytes: Uint8Array): GraphProto =>
  decode('GraphProto', bytes, 'a graph in a node') as GraphProto;

function decode(name: string, bytes: Uint8Array, what: string): unknown {
  try {
    const { buffer, byteOffset, byteLength } = bytes;
    // The reader of buffers makes each name in one piece.
    const reader = new protobuf.BufferReader(Buffer.from(buffer, byteOffset, byteLength));
    return decodeMessage(messageNamed(name), reader, bytes.length);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HalfspaceError('ERR_MODEL', `${what}: ${bytes.length} bytes do not decode (${reason})`, {
      cause: error,
    });
  }
}

/** How the value of a field stands in a file: its wire type, and how to read one. */
interface Encoding {
  readonly wire: number;
  readonly read: (reader: Reader) => unknown;
}

/** Wire type of everything that begins with its length: messages, strings, and packed lists of numbers. */
const LENGTH = 2;

const scalars: Readonly<Record<string, Encoding>> = {
  int32: { wire: 0, read: (reader) => reader.int32() },
  int64: { wire: 0, read: (reader) => shortInteger(reader) ?? Number(reader.int64()) },
  uint64: { wire: 0, read: (reader) => shortInteger(reader) ?? Number(reader.uint64()) },
  double: { wire: 1, read: (reader) => reader.double() },
  float: { wire: 5, read: (reader) => reader.float() },
  string: { wire: LENGTH, read: (reader) => reader.string() },
  bytes: { wire: LENGTH, read: view },
};

/** Plain bytes, which are made faster than those of a buffer that `reader` would make. */
function view(reader: Reader): Uint8Array {
  const length = reader.size();
  const start = reader.pos;
  reader.skip(length);
  return new Uint8Array(reader.buf.buffer, reader.buf.byteOffset + start, length);
}

/** An integer of one byte, as nearly all are; null where it has more, which cost an object each. */
function shortInteger(reader: Reader): number | null {
  const { buf, pos, len } = reader;
  const byte = buf[pos] as number;
  if (pos >= len || byte >= 0x80) return null;
  reader.pos = pos + 1;
  return byte;
}

interface FieldReader {
  /** Reads what stands at the reader into `result`; whether the wire type was one that it reads. */
  (result: Record<string, unknown>, reader: Reader, wire: number): boolean;
}

interface Message {
  /** By field number; holes where the library knows no field. */
  readonly fields: readonly FieldReader[];
  /** A message without contents, for its copies to have one form. */
  readonly empty: Readonly<Record<string, unknown>>;
}

const messages = new Map<string, Message>();

/** Fields are looked up when a message is first met, since messages hold one another. */
function messageNamed(name: string): Message {
  const known = messages.get(name);
  if (known) return known;
  const fields: FieldReader[] = [];
  const empty: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(layouts[name] ?? {})) {
    fields[field.id] = field.rule ? repeated(key, encodingOf(field)) : single(key, encodingOf(field));
    empty[key] = field.rule ? none : undefined;
  }
  const message = { fields, empty };
  messages.set(name, message);
  return message;
}

const none: readonly unknown[] = Object.freeze([]);

const encodingOf = ({ type }: Field): Encoding =>
  scalars[type] ?? { wire: LENGTH, read: embedded(messageNamed(type)) };

const embedded = (message: Message) => (reader: Reader) => decodeMessage(message, reader, reader.size());

const single =
  (key: string, { wire, read }: Encoding): FieldReader =>
  (result, reader, found) => {
    if (found !== wire) return false;
    result[key] = read(reader);
    return true;
  };

/** Lists of numbers stand one by one, or packed behind their length in bytes. */
const repeated =
  (key: string, { wire, read }: Encoding): FieldReader =>
  (result, reader, found) => {
    const list = result[key] as unknown[];
    // Most lists are of one value, or are packed in one piece; one that has grown takes the room of seventeen.
    if (found === wire && list === none) result[key] = [read(reader)];
    else if (found === wire) list.push(read(reader));
    else if (found === LENGTH && list === none) result[key] = unpack(reader, read, []).slice();
    else if (found === LENGTH) unpack(reader, read, list);
    else return false;
    return true;
  };

/** Adds the values that stand behind their length to `list`. */
function unpack(reader: Reader, read: Encoding['read'], list: unknown[]): unknown[] {
  const outer = enter(reader, reader.size());
  while (reader.pos < reader.len) list.push(read(reader));
  reader.len = outer;
  return list;
}

function decodeMessage({ fields, empty }: Message, reader: Reader, length: number): Record<string, unknown> {
  const result = { ...empty };
  const outer = enter(reader, length);
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    const number = tag >>> 3;
    const wire = tag & 7;
    if (!fields[number]?.(result, reader, wire)) reader.skipType(wire, 0, number);
  }
  reader.len = outer;
  return result;
}

/** Lets `reader` read no more than `length` bytes; the end that it had, to be put back behind them. */
function enter(reader: Reader, length: number): number {
  const outer = reader.len;
  const end = reader.pos + length;
  if (end > outer) throw new RangeError(`${length} bytes at ${reader.pos} reach beyond ${outer}`);
  reader.len = end;
  return outer;
}
