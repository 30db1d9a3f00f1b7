// A program as it crosses the native boundary: one list of numbers, in the order of the fields, and the
// texts that they refer to. C++ reads it several times faster than it reads the properties of objects, of
// which the program of a large network has half a million. Its one mirror is native/encoding.cpp.

import type { Attribute, Attributes } from '../graph.js';
import type { DType } from '../shape.js';
import type { Arena, Entry, Program, Step, Storage, Tensor } from './program.js';

export interface EncodedProgram {
  readonly texts: readonly string[];
  readonly numbers: Float64Array;
}

export function encode({ device, arenas, tensors, entries }: Program): EncodedProgram {
  const writer = new Writer();
  writer.text(device);
  writer.list(arenas, writeArena);
  writer.list(tensors, writeTensor);
  writer.list(entries, writeEntry);
  return writer.done();
}

/** Puts one field after the other. */
class Writer {
  /** Large enough for most networks; the system provides what is touched. */
  #numbers = new Float64Array(1 << 20);
  #length = 0;
  /** Each text once, with its position. */
  readonly #texts = new Map<string, number>();

  number(value: number): void {
    if (this.#length === this.#numbers.length) this.#grow();
    this.#numbers[this.#length++] = value;
  }

  text(value: string): void {
    const known = this.#texts.get(value);
    if (known === undefined) this.#texts.set(value, this.#texts.size);
    this.number(known ?? this.#texts.size - 1);
  }

  list<T>(items: readonly T[], write: (writer: Writer, item: T) => void): void {
    this.number(items.length);
    for (const item of items) write(this, item);
  }

  numbers(values: readonly number[]): void {
    this.number(values.length);
    for (const value of values) this.number(value);
  }

  done(): EncodedProgram {
    return { texts: [...this.#texts.keys()], numbers: this.#numbers.subarray(0, this.#length) };
  }

  #grow(): void {
    const larger = new Float64Array(2 * this.#numbers.length);
    larger.set(this.#numbers);
    this.#numbers = larger;
  }
}

const dtypes: Readonly<Record<DType, number>> = { f32: 0, f64: 1, i32: 2 };
const storages: Readonly<Record<Storage['kind'], number>> = { arena: 0, input: 1, output: 2, temporary: 3 };

function writeArena(writer: Writer, { name, dtype, length }: Arena): void {
  writer.text(name);
  writer.number(dtypes[dtype]);
  writer.number(length);
}

function writeTensor(writer: Writer, { name, dtype, shape, storage }: Tensor): void {
  writer.text(name);
  writer.number(dtypes[dtype]);
  writer.numbers(shape);
  writer.number(storages[storage.kind]);
  writer.number(storage.kind === 'arena' ? storage.arena : 0);
  writer.number(storage.kind === 'arena' ? storage.offset : 0);
}

function writeEntry(writer: Writer, { name, inputs, outputs, steps }: Entry): void {
  writer.text(name);
  writer.numbers(inputs);
  writer.numbers(outputs);
  writer.list(steps, writeStep);
}

function writeStep(writer: Writer, { kernel, inputs, outputs, attrs, label }: Step): void {
  writer.text(kernel);
  writer.numbers(inputs);
  writer.numbers(outputs);
  writeAttributes(writer, attrs);
  writer.text(label);
}

function writeAttributes(writer: Writer, attrs: Attributes): void {
  const names = Object.keys(attrs);
  writer.number(names.length);
  for (const name of names) {
    writer.text(name);
    writeAttribute(writer, attrs[name] as Attribute);
  }
}

function writeAttribute(writer: Writer, value: Attribute): void {
  switch (typeof value) {
    case 'number':
      writer.number(0);
      return writer.number(value);
    case 'string':
      writer.number(1);
      return writer.text(value);
    case 'boolean':
      writer.number(2);
      return writer.number(Number(value));
    default:
      writer.number(3);
      return writer.numbers(value);
  }
}
