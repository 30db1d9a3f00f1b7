// What config files are called.

/** Looked for in the working folder and all above it. */
export const configNames: readonly string[] = ['json', 'yaml', 'ts'].map(
  (ending) => `halfspace.config.${ending}`,
);
