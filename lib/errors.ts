// Every error a user can meet. An error says where, what was expected and what arrived.
// A message that starts with `internal:` is a mistake of this project, never of its user.

/** Stable, machine-readable reasons; programs branch on these, people read `message`. */
export const errorCodes = {
  ERR_SHAPE: 'shapes or types do not fit together',
  ERR_GRAPH: 'a network that is not a well-formed graph',
  ERR_UNSUPPORTED: 'a valid request that this build cannot fulfil',
  ERR_OPTION: 'an unknown or invalid option or name',
  ERR_TARGET: 'a target that no valid sub-network meets',
  ERR_DATA: 'a data file that is missing, truncated or malformed',
  ERR_MODEL: 'a model file that is missing or malformed',
  ERR_RUN: 'a run directory or checkpoint that cannot be used',
  ERR_DIVERGED: 'the loss became NaN or infinite',
  ERR_DEVICE: 'the addon or a device is missing or failed',
  ERR_DISPOSED: 'used after it was disposed of',
  ERR_VERIFY: 'a constructed sub-network differs from its super-network',
  ERR_INTERNAL: 'a mistake of this project',
} as const;

/** What `HalfspaceError.code` can be. */
export type ErrorCode = keyof typeof errorCodes;

/** The one error class of the library; `cause` carries the error underneath, if any. */
export class HalfspaceError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HalfspaceError';
    this.code = code;
  }
}

/** What the system says about a file, without the code and the path that its own messages have. */
export const systemReason = (error: unknown): string =>
  (error as Error).message.replace(/^E[A-Z]+: (.+?), \w+(?: '.*')?$/s, '$1').trim();

/** A mistake of this project. */
export const internal = (message: string): HalfspaceError =>
  new HalfspaceError('ERR_INTERNAL', `internal: ${message}`);

/**
 * Throws an `internal:` error unless `condition` holds. Its message is made either way; asked of every node, say
 * `if (...) throw internal(...)`.
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw internal(message);
}
