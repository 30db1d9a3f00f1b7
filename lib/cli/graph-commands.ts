// `inspect` and `construct`: what needs a network but no data.

import type { Command } from 'commander';
import type { SearchSpace } from '../search/space.js';
import { loadModel, loadOnnx } from './load-model.js';
import { parseIds, parseInput, positiveInteger } from './options.js';
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

export function addConstructCommand(program: Command): void {
  program
    .command('construct')
    .description('Build the sub-network of a super-network whose erased groups are zero (or are named here).')
    .argument('<super>', 'an ONNX file')
    .requiredOption('-o, --output <file>', 'the ONNX file to write')
    .option('--erase <ids>', 'group ids of `inspect` to set to zero first, separated by commas', parseIds)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  halfspace construct super.onnx -o sub.onnx --erase 0,3')
    .action(construct);
}

interface ConstructOptions {
  readonly output: string;
  readonly erase?: readonly number[];
  readonly json?: boolean;
}

async function construct(model: string, { output, erase, json }: ConstructOptions): Promise<void> {
  const [{ constructVerified }, { toOnnx }] = await Promise.all([
    import('../train/construct.js'),
    import('../onnx/export.js'),
  ]);
  const given = await loadOnnx(model);
  const result = await constructVerified(given, erase);
  const outputNames = given.outputs.map(({ name }) => name);
  await writeResult(output, toOnnx(result.graph, result.weights, { outputNames }));
  if (json) {
    printJson({ output, ...result.summary });
    return;
  }
  const { supernet, subnet, erased, maxDifference } = result.summary;
  if (erased.length === 0)
    note('no group is zero and none was named: the network written is equivalent to the given one');
  print(
    formatTable(
      ['', 'params', 'MACs'],
      [
        ['super-network', formatCount(supernet.params), formatCount(supernet.macs)],
        ['sub-network', formatCount(subnet.params), formatCount(subnet.macs)],
      ],
    ),
  );
  print(
    `erased segments: ${erased.join(', ') || 'none'}; largest output difference ${maxDifference.toExponential(1)}`,
  );
  print(`wrote ${output}`);
}
