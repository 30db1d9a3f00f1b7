// `inspect`: what of a network can be erased, and why not the rest.

import type { Command } from 'commander';
import { HalfspaceError } from '../errors.js';
import type { SearchSpace } from '../search/space.js';
import { isOnnxPath, loadModel } from './load-model.js';
import { parseInput, positiveInteger } from './options.js';
import { formatCount, formatTable, note, print, printJson, writeResult } from './output.js';

export function addInspectCommand(program: Command): void {
  program
    .command('inspect')
    .description('Show the search space: segments, groups, costs, and why a segment cannot be removed.')
    .argument('<model>', 'a built-in super-network or an ONNX file')
    .option('--input <C,H,W>', 'image size of a built-in network (default: the published one)', parseInput)
    .option('--classes <n>', 'classes of a built-in network', positiveInteger)
    .option('--width <n>', 'base channels of a built-in network', positiveInteger)
    .option('--gates', 'give branches without parameters (skip, pooling) a gate, as `train --gates` does')
    .option('--json', 'print one JSON document')
    .option('--html <file>', 'write a drawing of the segment graph')
    .addHelpText(
      'after',
      '\nExamples:\n  halfspace inspect stackedunets\n  halfspace inspect model.onnx --json',
    )
    .action(inspect);
}

interface InspectOptions {
  readonly input?: readonly [number, number, number];
  readonly classes?: number;
  readonly width?: number;
  readonly gates?: boolean;
  readonly json?: boolean;
  readonly html?: string;
}

async function inspect(model: string, { gates, json, html, ...shape }: InspectOptions): Promise<void> {
  const [{ addGates }, { searchSpace }, { inspectDocument }] = await Promise.all([
    import('../search/gates.js'),
    import('../search/space.js'),
    import('../search/inspect.js'),
  ]);
  if (isOnnxPath(model) && Object.keys(shape).length > 0) {
    throw new HalfspaceError(
      'ERR_OPTION',
      `--input, --classes and --width are for built-in networks, not for ${model}`,
    );
  }
  const graph = await loadModel(model, shape);
  const space = searchSpace(gates ? addGates(graph).graph : graph);
  if (html !== undefined) {
    const { drawSpace } = await import('../report/space.js');
    await writeResult(html, await drawSpace(space, model));
    note(`wrote ${html}`);
  }
  if (json) printJson(inspectDocument(space, model));
  else print(describeSpace(space, inspectDocument(space, model)));
}

function describeSpace(
  space: SearchSpace,
  document: { readonly model: string; readonly params: number; readonly macs: number },
): string {
  const rows = space.segments.map((segment) => [
    String(segment.id),
    segment.removable ? 'yes' : 'no',
    formatCount(segment.params),
    segment.nodes.map((node) => node.op.name).join(' '),
    segment.reason,
  ]);
  const removable = space.segments.filter((segment) => segment.removable).length;
  return [
    `${document.model}: ${formatCount(document.params)} parameters, ${formatCount(document.macs)} multiply-accumulates`,
    `${space.segments.length} segments, ${removable} removable, ${space.groups.length} groups, at most ${space.maxRemovable} can go together`,
    '',
    formatTable(['segment', 'removable', 'params', 'operators', 'reason'], rows),
  ].join('\n');
}
