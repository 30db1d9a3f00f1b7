// `eval`: the accuracy of a network on the test images of a data set.

import { formatPercent } from '../report/numbers.js';
import { addConfigOptions } from './config-options.js';
import { addDataOptions, openData, shapeFor, skipping, type DataFlags } from './data-options.js';
import { addExamples } from './help.js';
import { isOnnxPath, loadRunnable, noteOutput, requireModel } from './load-model.js';
import { modelNames } from './names.js';
import { deviceOption, orElse, positiveInteger, threadCount } from './options.js';
import { addOutputOptions, openOutput, type Output, type OutputFlags } from './output.js';
import { Argument, type Command } from './packages.js';
import { showUsualValues } from './usual-values.js';

export function declareEval(command: Command): void {
  command.addArgument(
    orElse(modelNames, new Argument('<network>', 'an ONNX file, or what is measured untrained')),
  );
  addDataOptions(command)
    .option('--batch <n>', 'images a pass', positiveInteger, 64)
    .option('--threads <n>', 'threads of the CPU engine', threadCount)
    .addOption(
      deviceOption('--device <name>', 'what computes; auto takes a GPU where there is one').default('cpu'),
    )
    .action((network: string, flags: EvalFlags) =>
      evaluateNetwork(requireModel(network), flags, openOutput(flags)),
    );
  addConfigOptions(command);
  showUsualValues(command);
  addOutputOptions(command);
  addExamples(
    command,
    ['halfspace eval runs/first/sub.onnx --data sample', 'a sub-network on the bundled images'],
    ['halfspace eval model.onnx --data cifar10 --data-dir data', 'your own network on CIFAR-10'],
  );
}

interface EvalFlags extends DataFlags, OutputFlags {
  readonly batch: number;
  readonly device: string;
  readonly threads?: number;
}

async function evaluateNetwork(
  network: string,
  { batch, threads, device: wanted, ...data }: EvalFlags,
  output: Output,
): Promise<void> {
  const dataset = await openData(data, output);
  const [{ evaluate }, { chooseDevice }, { initialWeights }] = await Promise.all([
    import('../train/evaluate.js'),
    import('../train/devices.js'),
    import('../weights.js'),
  ]);
  const { name: device, note } = chooseDevice(wanted);
  if (note !== null) output.note(note);
  const graph = await loadRunnable(network, shapeFor(dataset), output);
  noteOutput(graph, output);
  if (!isOnnxPath(network)) output.note(`${network} is measured as it starts, untrained`);
  const result = await evaluate(graph, initialWeights(graph, 0), dataset, {
    batch,
    device,
    ...skipping(data, output),
    ...(threads === undefined ? {} : { threads }),
  });
  output.result(
    { model: network, dataset: dataset.name, ...result },
    ({ bold }) =>
      `${network} on ${dataset.name}: ${bold(formatPercent(result.accuracy))} (${result.correct} of ${result.images})`,
  );
}
