// Lets the Electron example run under Node: its imports lead to the double beside this file and to the
// library in this checkout.

const doubles = {
  electron: './electron.ts',
  halfspace: './halfspace.ts',
  'halfspace/models': '../../lib/models/index.ts',
};

export const resolve = (specifier, context, next) =>
  next(specifier in doubles ? new URL(doubles[specifier], import.meta.url).href : specifier, context);
