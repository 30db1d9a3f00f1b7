// `construct`: the sub-network of a network whose erased groups are zero.

import type { Command } from 'commander';
import { formatCount, formatGroups } from '../report/numbers.js';
import type { VerifiedSubnet } from '../train/construct.js';
import type { Colors } from './colors.js';
import { addExamples } from './help.js';
import { aboutFile, loadOnnx } from './load-model.js';
import { parseIds, parseInput } from './options.js';
import { addOutputOptions, openOutput, writeResult, type Output, type OutputFlags } from './output.js';
import { formatTable } from './table.js';

export function declareConstruct(command: Command): void {
  command
    .argument('<super>', 'an ONNX file')
    .requiredOption('-o, --output <file>', 'the ONNX file to write')
    .option('--erase <ids>', 'group ids of `inspect` to set to zero first, separated by commas', parseIds)
    .option('--input <C,H,W>', 'image size, where the file leaves it open', parseInput)
    .action((model: string, flags: ConstructFlags) => construct(model, flags, openOutput(flags)));
  addOutputOptions(command);
  addExamples(
    command,
    ['halfspace construct runs/first/super.onnx -o sub.onnx', 'what is left of a trained super-network'],
    ['halfspace construct super.onnx -o sub.onnx --erase 0,3', 'the same without two groups of your choice'],
  );
}

interface ConstructFlags extends OutputFlags {
  readonly output: string;
  readonly erase?: readonly number[];
  readonly input?: readonly [number, number, number];
}

async function construct(
  model: string,
  { output: file, erase, input }: ConstructFlags,
  output: Output,
): Promise<void> {
  const [{ constructVerified }, { toOnnx }] = await Promise.all([
    import('../train/construct.js'),
    import('../onnx/export.js'),
  ]);
  const given = await loadOnnx(model, input, output);
  const { graph, weights, summary } = await aboutFile(model, () => constructVerified(given, erase));
  const outputNames = given.outputs.map(({ name }) => name);
  const bytes = await aboutFile(model, () => toOnnx(graph, weights, { outputNames }));
  await writeResult(file, bytes);
  if (summary.erased.length === 0) {
    output.note('no group is zero and none was named: the network written is equivalent to the given one');
  }
  output.result({ output: file, ...summary }, (colors) => describeSubnet(summary, file, colors));
}

const describeSubnet = (
  { supernet, subnet, groups, maxDifference }: VerifiedSubnet['summary'],
  file: string,
  colors: Colors,
): string =>
  [
    formatTable(
      colors,
      ['', 'params', 'MACs'],
      [
        ['super-network', formatCount(supernet.params), formatCount(supernet.macs)],
        ['sub-network', formatCount(subnet.params), formatCount(subnet.macs)],
      ],
    ),
    `erased: ${formatGroups(groups) || 'none'}; largest output difference ${maxDifference.toExponential(1)}`,
    `wrote ${file}`,
  ].join('\n');
