// `train`: from a super-network and a data set to a run directory.

import type { Command } from 'commander';
import { addDataOptions, openData, shapeFor, type DataFlags } from './data-options.js';
import { chooseDevice } from '../train/devices.js';
import { loadModel } from './load-model.js';
import { note } from './output.js';
import {
  belowOne,
  budget,
  fraction,
  fromZero,
  positiveInteger,
  positiveNumber,
  wholeNumber,
} from './options.js';
import type { SearchFlags } from './search-options.js';

const examples = `
Examples:
  halfspace train stackedunets --data sample --remove 3
  halfspace train stackedunets --data fashion-mnist --epochs 3 --macs 110M --out runs/fashion
  halfspace train model.onnx --data cifar10 --data-dir data --sparsity 0.5 --optimizer adamw
  halfspace train stackedunets --data sample --remove 3 --out runs/first --resume`;

export function addTrainCommand(program: Command): void {
  const command = program
    .command('train')
    .description('Train a super-network once and write the sub-network that is left.')
    .argument('<model>', 'a built-in super-network or an ONNX file');
  addDataOptions(command);
  addTargetOptions(command);
  addScheduleOptions(command);
  addSearchOptions(command);
  command
    .option('--out <folder>', 'run directory (default: a new one under runs/)')
    .option('--resume', 'go on with the run in --out')
    .option('--width <n>', 'base channels of a built-in network', positiveInteger)
    .option('--threads <n>', 'threads of the CPU engine (default: all cores)', positiveInteger)
    .option('--device <name>', 'cpu, cuda, cuda:1 and so on, or auto for a GPU where there is one', 'cpu')
    .option('--precision <name>', 'fp32 or tf32 for products (default: tf32 with CUDA)')
    .option('--quiet', 'no progress')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples)
    .action(train);
}

function addTargetOptions(command: Command): void {
  command
    .optionsGroup('How much to erase (one of; without any, the network is trained as it is):')
    .option('--remove <k>', 'this many groups', positiveInteger)
    .option('--sparsity <share>', 'this share of the groups, 0 to 1', fraction)
    .option('--params <n>', 'so many that at most n parameters are left (370k, 0.4M)', budget)
    .option('--macs <n>', 'so many that at most n multiply-accumulates are left (115M)', budget);
}

function addScheduleOptions(command: Command): void {
  command
    .optionsGroup('Training:')
    .option('--epochs <n>', 'passes over the data', positiveInteger)
    .option('--steps <n>', 'stop after n steps', positiveInteger)
    .option('--batch <n>', 'images a step', positiveInteger)
    .option('--optimizer <name>', 'sgd, adam or adamw')
    .option('--nesterov', 'Nesterov momentum (sgd)')
    .option('--lr <rate>', 'highest learning rate', positiveNumber)
    .option('--schedule <name>', 'constant, step or cosine')
    .option('--lr-warmup <share>', 'share of the steps in which the rate rises', belowOne)
    .option('--weight-decay <x>', 'weight decay', fromZero)
    .option('--label-smoothing <x>', 'label smoothing', belowOne)
    .option('--augment <list>', 'augmentations, by commas: crop, flip, cutout, jitter, or none')
    .option('--mix <name>', 'mixup or cutmix')
    .option('--seed <n>', 'seed of everything random', wholeNumber);
}

function addSearchOptions(command: Command): void {
  command
    .optionsGroup('Search:')
    .option('--gates', 'let branches without parameters (skip, pooling) be erased too')
    .option(
      '--score <name>',
      'how redundancy is judged: ablation (default), paper, magnitude, average-magnitude, cosine, taylor1, taylor2',
    )
    .option('--warmup <share>', 'share of the steps before groups are chosen', fraction)
    .option('--window <share>', 'share of the steps at which chosen groups are zero', fraction)
    .option('--no-rebuild', 'keep the erased groups in the running program until the end')
    .optionsGroup('Run:');
}

interface TrainFlags extends SearchFlags, DataFlags {
  readonly width?: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

async function train(model: string, flags: TrainFlags): Promise<void> {
  const [{ searchOptions }, { runSearch }, dataset] = await Promise.all([
    import('./search-options.js'),
    import('./run-search.js'),
    openData(flags),
  ]);
  const graph = await loadModel(model, { ...shapeFor(dataset), ...widthOf(flags) });
  await runSearch(graph, dataset, searchOptions({ ...flags, device: deviceFor(flags.device) }, dataset), {
    title: `${nameOf(model)}-${nameOf(flags.data)}`,
    quiet: flags.quiet ?? false,
    json: flags.json ?? false,
  });
}

/** The device to train on; says what `auto` was resolved to. */
function deviceFor(name: string): string {
  const { name: device, note: words } = chooseDevice(name);
  if (words !== null) note(words);
  return device;
}

/** File name without folder and ending, for run directories. */
const nameOf = (path: string): string =>
  path
    .replace(/[\\/]+$/, '')
    .split(/[\\/]/)
    .at(-1)
    ?.replace(/\.onnx$/i, '') ?? path;

const widthOf = ({ width }: TrainFlags): { readonly width?: number } =>
  width === undefined ? {} : { width };
