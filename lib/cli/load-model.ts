// MODEL on the command line: the name of a built-in super-network, a path to an ONNX file, or a path to a
// JavaScript or TypeScript file whose default export is a network or builds one.

import { dirname } from 'node:path';
import { HalfspaceError, systemReason } from '../errors.js';
import type { Graph } from '../graph.js';
import type { ModelOptions } from '../models/index.js';
import { readRegularFile } from '../regular-file.js';
import type { Shape } from '../shape.js';
import { suggest } from '../suggest.js';
import { isModulePath, loadModule } from './load-module.js';
import { modelNames } from './names.js';
import { orElse } from './options.js';
import type { Output } from './output.js';
import { Argument } from './packages.js';

export const isOnnxPath = (model: string): boolean => model.toLowerCase().endsWith('.onnx');

export const isModelPath = (model: string): boolean => isOnnxPath(model) || isModulePath(model);

export const modelArgument = (usage: '<model>' | '[model]', description: string): Argument =>
  orElse(modelNames, new Argument(usage, description));

/** Throws ERR_OPTION where no model was named, neither here nor in a config file, or none that there is. */
export function requireModel(model: string | undefined): string {
  if (model === undefined) {
    throw new HalfspaceError(
      'ERR_OPTION',
      `expected a model, got none: name one (${modelNames.join(', ')}), an ONNX file or a module that builds one`,
    );
  }
  if (isModelPath(model) || (modelNames as readonly string[]).includes(model)) return model;
  throw new HalfspaceError('ERR_OPTION', `unknown model '${model}'${suggest(model, modelNames)}`);
}

/**
 * Loads the network; `options` shape one that is built. An ONNX file has a shape, and takes no more than the
 * sizes that it leaves open: throws ERR_OPTION for a `width` with one.
 */
export async function loadModel(
  model: string,
  options: Partial<ModelOptions>,
  output: Output,
): Promise<Graph> {
  if (isModulePath(model)) return loadBuilder(model, options);
  if (isOnnxPath(model)) {
    if (options.width === undefined) return loadOnnx(model, options.input, output);
    throw new HalfspaceError('ERR_OPTION', `--width is for built-in networks; ${model} has its own widths`);
  }
  const { buildModel } = await import('../models/index.js');
  return buildModel(model, options);
}

/** Loads a network that is going to run; throws ERR_UNSUPPORTED where it has operators that cannot. */
export async function loadRunnable(
  model: string,
  options: Partial<ModelOptions>,
  output: Output,
): Promise<Graph> {
  const graph = await loadModel(model, options, output);
  const { requireSupported } = await import('../ops/opaque.js');
  await aboutFile(model, () => requireSupported(graph));
  return graph;
}

/** Says which of several outputs counts. */
export function noteOutput({ outputs: [first, ...others] }: Graph, { note }: Output): void {
  if (first && others.length > 0)
    note(`of the ${others.length + 1} outputs only the first, '${first.name}', tells the classes apart`);
}

/** Reads an ONNX file, with `image` for sizes that it leaves open; external data is looked for beside it. */
export async function loadOnnx(path: string, image: Shape | undefined, { note }: Output): Promise<Graph> {
  const { fromOnnx } = await import('../onnx/import.js');
  const bytes = await readModel(path);
  const options = { directory: dirname(path), note, ...(image ? { image } : {}) };
  return aboutFile(path, () => fromOnnx(bytes, options));
}

const readModel = (path: string): Promise<Uint8Array> =>
  readRegularFile(path).catch((cause: unknown) => {
    throw new HalfspaceError('ERR_MODEL', `cannot read the model file ${path}: ${systemReason(cause)}`, {
      cause,
    });
  });

/** Whatever goes wrong in `act` is told with the file it is about. */
export async function aboutFile<T>(path: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const code = error instanceof HalfspaceError ? error.code : 'ERR_MODEL';
    throw new HalfspaceError(code, `${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** What a module's function is given where nothing else is said. */
const usual: ModelOptions = { input: [3, 32, 32], classes: 10 };

async function loadBuilder(path: string, options: Partial<ModelOptions>): Promise<Graph> {
  const given = await loadModule(path, 'ERR_MODEL');
  const network: unknown = typeof given === 'function' ? await build(path, given, options) : given;
  if (isGraph(network)) return network;
  throw new HalfspaceError(
    'ERR_MODEL',
    `${path}: expected the default export to be a network or a function that returns one, got ${typeof given}` +
      (typeof given === 'function' ? ` that returned ${typeof network}` : ''),
  );
}

/** Whatever goes wrong in a module's function is a fault of the module, never wrong usage of the command. */
async function build(path: string, given: Function, options: Partial<ModelOptions>): Promise<unknown> {
  try {
    return await (given({ ...usual, ...options }) as unknown);
  } catch (cause) {
    throw new HalfspaceError('ERR_MODEL', `${path}: ${(cause as Error).message}`, { cause });
  }
}

const isGraph = (value: unknown): value is Graph =>
  typeof value === 'object' &&
  value !== null &&
  'nodes' in value &&
  'outputs' in value &&
  'parameters' in value;
