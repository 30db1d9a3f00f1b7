// Several nodes of a file that together say what one operator does become that operator. Which ones do is the
// business of the operators; what nobody reads any more is left for the next pass.

import type { Graph } from '../graph.js';
import { spelledActivation } from '../ops/spelled-activation.js';
import { replaceNodes } from './replace-nodes.js';

/** The same network with fewer kinds of nodes. */
export const recognise = (graph: Graph): Graph =>
  replaceNodes(graph, ({ outputs: [value] }) => {
    const activation = value ? spelledActivation(value) : null;
    return activation && { op: activation.op, inputs: [activation.x] };
  });
