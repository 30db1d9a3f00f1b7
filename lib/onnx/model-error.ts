// The one complaint of the importer.

import { HalfspaceError } from '../errors.js';

/** Throws ERR_MODEL: the file does not say what a model has to say. */
export function damaged(message: string, cause?: unknown): never {
  throw new HalfspaceError('ERR_MODEL', message, { cause });
}
