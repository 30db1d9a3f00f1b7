// `construct`: the sub-network of a network whose erased groups are zero.

import type { Command } from 'commander';
import { loadOnnx } from './load-model.js';
import { parseIds } from './options.js';
import { formatCount, formatTable, note, print, printJson, writeResult } from './output.js';

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
  if (erased.length === 0) {
    note('no group is zero and none was named: the network written is equivalent to the given one');
  }
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
