// `train`: from a super-network and a data set to a run directory.

import type { Command } from 'commander';
import type { Node } from '../graph.js';
import { addConfigOptions, settingsOf } from './config-options.js';
import type { Settings } from './config-schema.js';
import { addDataOptions, openData, shapeFor, skipping, type DataFlags } from './data-options.js';
import { addExamples } from './help.js';
import { loadRunnable, modelArgument, noteOutput, requireModel } from './load-model.js';
import {
  augmentationNames,
  mixNames,
  optimizerNames,
  precisionNames,
  scheduleNames,
  selectorNames,
} from './names.js';
import {
  belowOne,
  budget,
  choiceOption,
  choicesOption,
  deviceOption,
  fraction,
  fromZero,
  positiveInteger,
  positiveNumber,
  threadCount,
  wholeNumber,
  withoutUndefined,
} from './options.js';
import { addOutputOptions, openOutput, type Output, type OutputFlags } from './output.js';
import type { SearchFlags } from './search-options.js';
import { showUsualValues } from './usual-values.js';

export function declareTrain(command: Command): void {
  command
    .addArgument(
      modelArgument('[model]', 'a built-in super-network, an ONNX file, or a module that builds one'),
    )
    .action((model: string | undefined, flags: TrainFlags, self: Command) =>
      train(requireModel(model), flags, settingsOf(self), openOutput(flags)),
    );
  addDataOptions(command);
  addTargetOptions(command);
  addTrainingOptions(command);
  addSearchOptions(command);
  addRunOptions(command);
  addOutputOptions(command);
  showUsualValues(command);
  addExamples(
    command,
    ['halfspace train stackedunets --data sample --remove 3', 'a first run, on the bundled images'],
    [
      'halfspace train stackedunets --data fashion-mnist --epochs 3 --macs 110M --out runs/fashion',
      'as much as it takes to keep a budget',
    ],
    [
      'halfspace train model.onnx --data cifar10 --data-dir data --sparsity 0.5 --optimizer adamw',
      'your own network, exported from PyTorch',
    ],
    ['halfspace train --out runs/fashion --resume', 'go on with a run that was stopped'],
    ['halfspace train --config runs/fashion/config.json --seed 1', 'a run once more, with another seed'],
  );
}

function addTargetOptions(command: Command): void {
  command
    .optionsGroup('How much to erase (one of; without any, the network is trained as it is):')
    .option('--remove <k>', 'this many groups', positiveInteger)
    .option('--sparsity <share>', 'this share of the groups, 0 to 1', fraction)
    .option('--params <n>', 'so many that at most n parameters are left (370k, 0.4M)', budget)
    .option('--macs <n>', 'so many that at most n multiply-accumulates are left (115M)', budget);
}

function addTrainingOptions(command: Command): void {
  command
    .optionsGroup('Training:')
    .option('--epochs <n>', 'passes over the data', positiveInteger)
    .option('--steps <n>', 'stop after n steps', positiveInteger)
    .option('--batch <n>', 'images a step', positiveInteger)
    .addOption(choiceOption('--optimizer <name>', 'what turns gradients into steps', optimizerNames))
    .option('--nesterov', 'Nesterov momentum (sgd)')
    .option('--lr <rate>', 'highest learning rate', positiveNumber)
    .addOption(choiceOption('--schedule <name>', 'how the learning rate moves', scheduleNames))
    .option('--lr-warmup <share>', 'share of the steps in which the rate rises', belowOne)
    .option('--weight-decay <x>', 'weight decay', fromZero)
    .option('--label-smoothing <x>', 'label smoothing', belowOne)
    .addOption(
      choicesOption('--augment <list>', 'augmentations of single images, by commas', augmentationNames),
    )
    .addOption(choiceOption('--mix <name>', 'mix images and labels of a batch', mixNames))
    .option('--seed <n>', 'seed of everything random', wholeNumber);
}

function addSearchOptions(command: Command): void {
  command
    .optionsGroup('Search:')
    .option('--width <n>', 'base channels of a network that is built', positiveInteger)
    .option('--gates', 'let branches without parameters (skip, pooling) be erased too')
    .addOption(choiceOption('--score <name>', 'how redundancy is judged', selectorNames))
    .option('--warmup <share>', 'share of the steps before groups are chosen', fraction)
    .option('--window <share>', 'share of the steps at which chosen groups are zero', fraction)
    .option('--no-rebuild', 'keep the erased groups in the running program until the end');
}

function addRunOptions(command: Command): void {
  command
    .optionsGroup('Run:')
    .option('--out <folder>', 'run directory')
    .option('--resume', 'go on with the run in --out, as it was begun')
    .option('--csv', 'write the events to metrics.csv, too')
    .option('--tensorboard', 'write the events for TensorBoard, too')
    .option('--threads <n>', 'threads of the CPU engine', threadCount)
    .addOption(
      deviceOption('--device <name>', 'what computes; auto takes a GPU where there is one').default('cpu'),
    )
    .addOption(
      choiceOption(
        '--precision <name>',
        'what products are computed with; tf32 takes a GPU, bf16 one or AVX-512',
        precisionNames,
      ),
    );
  addConfigOptions(command);
}

interface TrainFlags extends SearchFlags, DataFlags, OutputFlags {
  readonly width?: number;
}

async function train(model: string, flags: TrainFlags, settings: Settings, output: Output): Promise<void> {
  const [{ searchOptions }, { runSearch }, { chooseDevice }, { nodeAfterLogits }, dataset] =
    await Promise.all([
      import('./search-options.js'),
      import('./run-search.js'),
      import('../train/devices.js'),
      import('../compile/loss.js'),
      openData(flags, output),
    ]);
  const shape = { ...shapeFor(dataset), ...withoutUndefined({ width: flags.width }) };
  const graph = await loadRunnable(model, shape, output);
  noteOutput(graph, output);
  noteProbabilities(nodeAfterLogits(graph), output);
  const title = `${nameOf(model)}-${nameOf(dataset.name)}`;
  const { name: device, note } = chooseDevice(flags.device);
  if (note !== null) output.note(note);
  const options = { ...searchOptions({ ...flags, device }, dataset), ...skipping(flags, output) };
  await runSearch(graph, dataset, options, { title, settings, output });
}

/** Says that the loss is taken of another value than the output. */
function noteProbabilities(node: Node | null, { note }: Output): void {
  if (node === null) return;
  const logits = node.inputs[0]?.name;
  note(`'${node.name}' makes probabilities: the loss is taken of '${logits}' before it, the files keep it`);
}

/** File name without folder and ending, for run directories. */
const nameOf = (path: string): string =>
  path
    .replace(/[\\/]+$/, '')
    .split(/[\\/]/)
    .at(-1)
    ?.replace(/\.\w+$/, '') ?? path;
