// What a utility process has and a child process of Node has not: `process.parentPort`.

import { EventEmitter } from 'node:events';

/** Messages wait until somebody listens. */
class Port extends EventEmitter {
  override on(event: string, listener: (message: { readonly data: unknown }) => void): this {
    process.on('message', (data) => listener({ data }));
    return super.on(event, listener);
  }

  postMessage(message: unknown): void {
    process.send?.(message);
  }
}

Object.assign(process, { parentPort: new Port() });
