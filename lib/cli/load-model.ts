// MODEL on the command line: the name of a built-in super-network, or a path to an ONNX file.

import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HalfspaceError, type Graph } from '../index.js';
import type { ModelOptions } from '../models/index.js';

export const isOnnxPath = (model: string): boolean => model.toLowerCase().endsWith('.onnx');

/** Loads the network; `options` shape a built-in one and are ignored for files, which have a shape. */
export async function loadModel(model: string, options: Partial<ModelOptions> = {}): Promise<Graph> {
  if (isOnnxPath(model)) return loadOnnx(model);
  const { buildModel } = await import('../models/index.js');
  return buildModel(model, options);
}

/** Reads an ONNX file; external data is looked for beside it. */
export async function loadOnnx(path: string): Promise<Graph> {
  const { fromOnnx } = await import('../onnx/import.js');
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new HalfspaceError('ERR_MODEL', `cannot read the model file ${path}: ${(cause as Error).message}`, {
      cause,
    });
  });
  return fromOnnx(bytes, { directory: dirname(path) });
}
