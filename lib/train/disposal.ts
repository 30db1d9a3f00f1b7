// Who lets go of what was opened when the rest of an opening fails.

/** `opened`, once `prepare` is done with it; where that fails it is disposed of and the failure thrown on. */
export async function preparedOrDisposed<T extends { dispose(): void }>(
  opened: T,
  prepare: (opened: T) => void | Promise<void>,
): Promise<T> {
  try {
    await prepare(opened);
    return opened;
  } catch (error) {
    opened.dispose();
    throw error;
  }
}
