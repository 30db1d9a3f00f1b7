// `init`: a config file to begin with, and a network of one's own where asked for.

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HalfspaceError, systemReason } from '../errors.js';
import { configNames } from './config-names.js';
import { addExamples } from './help.js';
import { configTemplates, networkTemplate, type ConfigFormat } from './init-templates.js';
import { requireModel } from './load-model.js';
import { datasetNames, modelNames } from './names.js';
import { choiceOption, orElse } from './options.js';
import { addOutputOptions, openOutput, writeResult, type Output, type OutputFlags } from './output.js';
import { Option, type Command } from './packages.js';

export function declareInit(command: Command): void {
  command
    .argument('[folder]', 'where to write', '.')
    .addOption(
      choiceOption('--format <name>', 'how to write it', Object.keys(configTemplates)).default('json'),
    )
    .addOption(
      orElse(modelNames, new Option('--model <model>', 'the network to train').default('stackedunets')),
    )
    .addOption(orElse(datasetNames, new Option('--data <dataset>', 'the data to train on').default('sample')))
    .option('--network', 'write a small network of your own, too, and train that')
    .option('--force', 'overwrite what is there')
    .action((folder: string, flags: InitFlags) => init(folder, flags, openOutput(flags)));
  addOutputOptions(command);
  addExamples(
    command,
    ['halfspace init', 'halfspace.config.json: a first run on the bundled images'],
    [
      'halfspace init --format yaml --model darts-8 --data cifar10',
      'the same for another model and data set',
    ],
    ['halfspace init my-search --format ts --network', 'a folder with a network of your own, in TypeScript'],
  );
}

interface InitFlags extends OutputFlags {
  readonly format: ConfigFormat;
  readonly model: string;
  readonly data: string;
  readonly network?: boolean;
  readonly force?: boolean;
}

async function init(folder: string, flags: InitFlags, output: Output): Promise<void> {
  const files = filesFor(flags);
  requireFree(folder, [...files.keys()], flags.force ?? false);
  await makeFolder(folder);
  for (const [name, text] of files) await writeResult(join(folder, name), text);
  const written = [...files.keys()].map((name) => join(folder, name));
  output.result({ files: written }, ({ cyan }) => written.map((file) => cyan(file)).join('\n'));
  output.note(`${folder === '.' ? '' : `cd ${folder} && `}npx halfspace train`);
}

/** What to write, by name. */
function filesFor({ format, model, data, network }: InitFlags): ReadonlyMap<string, string> {
  const own = network ? networkTemplate(format) : null;
  const config = configTemplates[format]({ model: own ? `./${own.file}` : requireModel(model), data });
  return new Map([[`halfspace.config.${format}`, config], ...(own ? [[own.file, own.text] as const] : [])]);
}

/** Throws ERR_RUN where a file stands in the way; a second config file always does. */
function requireFree(folder: string, names: readonly string[], force: boolean): void {
  const inTheWay = force
    ? configNames.filter((name) => !names.includes(name))
    : [...new Set([...configNames, ...names])];
  const found = inTheWay.find((name) => existsSync(join(folder, name)));
  if (found === undefined) return;
  const remedy = names.includes(found) ? '--force overwrites it' : 'remove it, or write the same format';
  throw new HalfspaceError('ERR_RUN', `${join(folder, found)} exists: ${remedy}`);
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((cause: unknown) => {
    throw new HalfspaceError('ERR_RUN', `cannot make the folder ${path}: ${systemReason(cause)}`, { cause });
  });
}
