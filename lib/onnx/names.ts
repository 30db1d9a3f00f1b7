// What values are called in a file that is written. Inputs and outputs come first and get what was
// asked for; everything else makes way.

import { addUnique } from '../collections.js';
import { HalfspaceError } from '../errors.js';
import { producer, type Graph, type Value } from '../graph.js';
import type { NodeProto } from './schema.js';

/**
 * What each value is called in the file. Outputs get the names that were asked for; one that is given twice, or
 * that no node makes and that goes by another name, is a copy under its own.
 */
export class Names {
  readonly outputs: readonly string[];
  readonly copies: readonly NodeProto[];
  readonly #names = new Map<Value, string>();
  readonly #taken = new Set<string>();

  constructor(graph: Graph, outputNames: readonly string[]) {
    this.#require(graph, outputNames);
    const copied = graph.outputs.map(
      (v, i) => graph.outputs.indexOf(v) !== i || (producer(v) === null && v.name !== outputNames[i]),
    );
    graph.inputs.forEach((v) => this.of(v));
    graph.outputs.forEach((v, i) => {
      if (!copied[i] && !this.#names.has(v)) this.#names.set(v, this.unique(outputNames[i] as string));
    });
    this.outputs = graph.outputs.map((v, i) =>
      copied[i] ? this.unique(outputNames[i] as string) : this.of(v),
    );
    this.copies = this.outputs.flatMap((name, i) =>
      copied[i] ? [copyProto(this.of(graph.outputs[i] as Value), name)] : [],
    );
  }

  of(value: Value): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const name = this.unique(value.name);
    this.#names.set(value, name);
    return name;
  }

  unique(name: string): string {
    return addUnique(this.#taken, name);
  }

  #require(graph: Graph, outputNames: readonly string[]): void {
    if (outputNames.length === graph.outputs.length) return;
    throw new HalfspaceError(
      'ERR_OPTION',
      `outputNames: expected ${graph.outputs.length} names, one an output, got ${outputNames.length}`,
    );
  }
}

const copyProto = (from: string, to: string): NodeProto => ({
  name: to,
  opType: 'Identity',
  input: [from],
  output: [to],
  attribute: [],
});
