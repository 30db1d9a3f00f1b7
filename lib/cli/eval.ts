// `eval`: the accuracy of a network on the test images of a data set.

import type { Command } from 'commander';
import { addDataOptions, openData, shapeFor, type DataFlags } from './data-options.js';
import { isOnnxPath, loadModel } from './load-model.js';
import { positiveInteger } from './options.js';
import { formatPercent, note, print, printJson } from './output.js';

export function addEvalCommand(program: Command): void {
  const command = program
    .command('eval')
    .description('Measure the accuracy of a network on the test images of a data set.')
    .argument('<model>', 'an ONNX file, or a built-in network (untrained)');
  addDataOptions(command)
    .option('--batch <n>', 'images a pass', positiveInteger, 64)
    .option('--threads <n>', 'threads of the CPU engine (default: all cores)', positiveInteger)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  halfspace eval runs/first/sub.onnx --data sample')
    .action(evaluateModel);
}

interface EvalFlags extends DataFlags {
  readonly batch: number;
  readonly threads?: number;
  readonly json?: boolean;
}

async function evaluateModel(model: string, { batch, threads, json, ...data }: EvalFlags): Promise<void> {
  const [{ evaluate, initialWeights }, dataset] = await Promise.all([import('../index.js'), openData(data)]);
  const graph = await loadModel(model, shapeFor(dataset));
  if (!isOnnxPath(model)) note(`${model} is a built-in network: it is measured as it starts, untrained`);
  const result = await evaluate(graph, initialWeights(graph, 0), dataset, {
    batch,
    ...(threads === undefined ? {} : { threads }),
  });
  if (json) printJson({ model, dataset: dataset.name, ...result });
  else
    print(
      `${model} on ${dataset.name}: ${formatPercent(result.accuracy)} (${result.correct} of ${result.images})`,
    );
}
