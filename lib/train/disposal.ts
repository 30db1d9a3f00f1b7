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

/** What opens, and what is made meanwhile; where that fails, what opened is disposed of as soon as it has. */
export async function openedMeanwhile<T extends { dispose(): void }, Made>(
  opening: Promise<T>,
  make: () => Made,
): Promise<readonly [T, Made]> {
  try {
    const made = make();
    return [await opening, made];
  } catch (error) {
    void opening.then(
      (opened) => opened.dispose(),
      () => {},
    );
    throw error;
  }
}
