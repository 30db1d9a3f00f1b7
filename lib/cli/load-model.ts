// MODEL on the command line: the name of a built-in super-network, or a path to an ONNX file.

import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HalfspaceError, type Graph } from '../index.js';
import type { ModelOptions } from '../models/index.js';

export const isOnnxPath = (model: string): boolean => model.toLowerCase().endsWith('.onnx');

/**
 * Loads the network; `options` shape a built-in one. Files have a shape: throws ERR_OPTION for a `width` with one.
 */
export async function loadModel(model: string, options: Partial<ModelOptions> = {}): Promise<Graph> {
  if (isOnnxPath(model)) {
    if (options.width === undefined) return loadOnnx(model);
    throw new HalfspaceError('ERR_OPTION', `--width is for built-in networks; ${model} has its own widths`);
  }
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
  try {
    return fromOnnx(bytes, { directory: dirname(path) });
  } catch (error) {
    if (!(error instanceof HalfspaceError)) throw error;
    throw new HalfspaceError(error.code, `${path}: ${error.message}`, { cause: error });
  }
}
