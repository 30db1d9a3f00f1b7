// Functions that a file defines in terms of other operators: every call is replaced by a copy of the
// body, so that nothing after this file meets one. Values and nodes of a copy are called after the call.

import { withCaptures } from './captures.js';
import { damaged } from './model-error.js';
import type { AttributeProto, FunctionProto, ModelProto, NodeProto } from './schema.js';

/** Copying stops where it took more steps than this; calls of calls grow exponentially. */
const mostSteps = 2 ** 17;

/** Calls inside calls; exporters nest them about as deep as modules. */
const deepest = 100;

/** The nodes of the graph with all calls written out. Throws ERR_MODEL where functions call themselves. */
export function withoutCalls({ graph, functions }: ModelProto): readonly NodeProto[] {
  const nodes = (graph?.node ?? []).map(withCaptures);
  if (functions.length === 0) return nodes;
  const expansion = new Expansion(functions);
  nodes.forEach((node, index) => expansion.add(node, index, []));
  return expansion.nodes;
}

const keyOf = (domain = '', name = '', overload = ''): string => JSON.stringify([domain, name, overload]);

class Expansion {
  readonly nodes: NodeProto[] = [];
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  #steps = 0;

  constructor(functions: readonly FunctionProto[]) {
    this.#functions = new Map(
      functions.map((f) => [keyOf(f.domain, f.name, f.overload), { ...f, node: f.node.map(withCaptures) }]),
    );
  }

  /** Adds `node`, or what the function that it calls consists of; `open` are the calls around it. */
  add(node: NodeProto, index: number, open: readonly FunctionProto[]): void {
    if (++this.#steps > mostSteps) damaged(`the functions of the file take more than ${mostSteps} nodes`);
    const called = this.#functions.get(keyOf(node.domain, node.opType, node.overload));
    if (!called) {
      this.nodes.push(node);
      return;
    }
    if (open.includes(called)) damaged(`function '${called.name}' calls itself`);
    if (open.length === deepest) damaged(`functions of the file call each other more than ${deepest} deep`);
    const name = node.name || `${node.opType}_${index}`;
    body(called, node, name).forEach((inner, i) => this.add(inner, i, [...open, called]));
  }
}

/** The body of a function with the names and attributes of one call. */
function body(called: FunctionProto, call: NodeProto, name: string): readonly NodeProto[] {
  const outside = new Map<string, string>([
    ...called.input.map((inner, i) => [inner, call.input[i] ?? ''] as const),
    ...called.output.map((inner, i) => [inner, call.output[i] || `${name}/${inner}`] as const),
  ]);
  const rename = (value: string): string => (value === '' ? '' : (outside.get(value) ?? `${name}/${value}`));
  const given = new Map([...called.attributeProto, ...call.attribute].map((a) => [a.name, a]));
  return called.node.map((node, index) => ({
    ...node,
    name: `${name}/${node.name || `${node.opType}_${index}`}`,
    input: node.input.map(rename),
    output: node.output.map(rename),
    attribute: node.attribute.flatMap((attribute) => resolved(attribute, given)),
  }));
}

/** The attribute itself, or the one of the call that it stands for, under its own name; none where the call has none. */
function resolved(
  attribute: AttributeProto,
  given: ReadonlyMap<string | undefined, AttributeProto>,
): readonly AttributeProto[] {
  if (!attribute.refAttrName) return [attribute];
  const value = given.get(attribute.refAttrName);
  return value ? [{ ...value, name: attribute.name ?? '' }] : [];
}
