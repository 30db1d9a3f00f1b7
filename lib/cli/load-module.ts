// JavaScript and TypeScript of the user's own: networks and config files. Whatever Node this is, and
// wherever the file lies, `halfspace` in it is the library that runs.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HalfspaceError, type ErrorCode } from '../errors.js';

export const isModulePath = (path: string): boolean => /\.m?[jt]s$/i.test(path);

/** The default export of a file. Throws `code` where it cannot be read, does not compile or throws. */
export async function loadModule(path: string, code: ErrorCode): Promise<unknown> {
  const [{ createJiti }, halfspace, models] = await Promise.all([
    import('jiti'),
    import('../index.js'),
    import('../models/index.js'),
  ]);
  const jiti = createJiti(import.meta.url, {
    fsCache: false,
    interopDefault: false,
    virtualModules: { halfspace, 'halfspace/models': models },
  });
  try {
    await readFile(path);
    const module = await jiti.import<{ readonly default?: unknown }>(resolve(path));
    return module.default;
  } catch (cause) {
    throw new HalfspaceError(code, `${path}: ${(cause as Error).message}`, { cause });
  }
}
