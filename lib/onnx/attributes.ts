// Attributes of one ONNX node, read by name and checked for their type.

import type { OnnxAttributes } from '../ops/onnx-reader.js';
import { damaged } from './model-error.js';
import { attributeType, typeName, type AttributeProto, type TensorProto } from './schema.js';
import type { SourceNode } from './source.js';

type Kind = keyof typeof attributeType;

export class Attributes implements OnnxAttributes {
  readonly #node: SourceNode;

  constructor(node: SourceNode) {
    this.#node = node;
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  int(name: string, fallback?: number): number {
    return this.#read(name, 'int', (a) => a.i ?? 0, fallback);
  }

  float(name: string, fallback?: number): number {
    return this.#read(name, 'float', (a) => decimal(a.f ?? 0), fallback);
  }

  string(name: string, fallback?: string): string {
    return this.#read(name, 'string', (a) => new TextDecoder().decode(a.s), fallback);
  }

  ints(name: string, fallback?: readonly number[]): readonly number[] {
    return this.#read(name, 'ints', (a) => a.ints ?? [], fallback);
  }

  floats(name: string, fallback?: readonly number[]): readonly number[] {
    return this.#read(name, 'floats', (a) => a.floats ?? [], fallback);
  }

  tensor(name: string): TensorProto {
    return this.#read(name, 'tensor', (a) => a.t ?? this.#fail(`has an empty attribute '${name}'`));
  }

  /** Files from before attributes had types leave the type out. */
  #read<T>(name: string, kind: Kind, read: (attribute: AttributeProto) => T, fallback?: T): T {
    const attribute = this.#find(name);
    if (!attribute) return fallback ?? this.#fail(`has no attribute '${name}'`);
    if (attribute.type && attribute.type !== attributeType[kind]) {
      const found = typeName(attributeType, attribute.type);
      this.#fail(`attribute '${name}' should be of type ${kind} but has type ${found}`);
    }
    return read(attribute);
  }

  /** Nodes have few attributes, so nothing is gained by a table. */
  #find(name: string): AttributeProto | undefined {
    return this.#node.proto.attribute.find((attribute) => attribute.name === name);
  }

  #fail(message: string): never {
    damaged(`${this.#node.proto.opType} '${this.#node.name}' ${message}`);
  }
}

/** The shortest decimal that is `x` in single precision: 0.1 where a file says 0.10000000149. */
function decimal(x: number): number {
  for (let digits = 6; digits < 10; digits += 1) {
    const candidate = Number(x.toPrecision(digits));
    if (Math.fround(candidate) === x) return candidate;
  }
  return x;
}
