// Contents that a model keeps in files beside it. Only regular files inside the given folder are read, and
// sizes are compared with the file's before anything is allocated.

import { realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { systemReason } from '../errors.js';
import { readRangeSync } from '../regular-file.js';
import { formatShape } from '../shape.js';
import { damaged } from './model-error.js';
import type { TensorProto } from './schema.js';

/** The bytes of a tensor that lie in a file below `directory`; nothing outside of it is opened. */
export function readExternal(
  tensor: TensorProto,
  name: string,
  bytes: number,
  directory: string | null,
): Uint8Array {
  const entries = new Map(tensor.externalData?.map(({ key = '', value = '' }) => [key, value]));
  const location = entries.get('location') ?? '';
  const path = resolveInside(name, location, directory);
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? bytes);
  if (!Number.isSafeInteger(offset) || offset < 0)
    damaged(`tensor '${name}': external data at offset ${offset}, which is no place in a file`);
  if (length !== bytes) {
    damaged(
      `tensor '${name}': shape ${formatShape(tensor.dims)} takes ${bytes} bytes but its external data has ${length}`,
    );
  }
  return onDisk(name, location, () => readRangeSync(path, offset, bytes));
}

/** The real path of `location`; links that lead out of the folder count as leaving it. */
function resolveInside(name: string, location: string, directory: string | null): string {
  if (directory === null)
    damaged(`tensor '${name}': its contents are in the file '${location}', but no directory was given`);
  if (location === '' || isAbsolute(location) || location.includes('\0')) {
    damaged(
      `tensor '${name}': external data in '${location}', which is not a path inside the model's folder`,
    );
  }
  const target = onDisk(name, location, () => realpathSync(join(directory, location)));
  const inside = relative(
    onDisk(name, location, () => realpathSync(directory)),
    target,
  );
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    damaged(`tensor '${name}': external data in '${location}', which leaves the model's folder`);
  }
  return target;
}

/** What the system refuses is told as a fault of the model. */
function onDisk<T>(name: string, location: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    return damaged(`tensor '${name}': external data in '${location}': ${systemReason(error)}`, error);
  }
}
