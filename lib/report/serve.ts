// One page over HTTP, for this machine alone. It is made anew for every visit, so that reloading shows
// how far a run has come.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServedPage {
  readonly url: string;
  /** Settles when `stop` was raised and the last answer is out. */
  readonly closed: Promise<void>;
}

/** Serves what `makePage` gives at `/` on a free port of 127.0.0.1 until `stop` is raised. */
export async function servePage(makePage: () => Promise<string>, stop: AbortSignal): Promise<ServedPage> {
  const server = createServer((request, response) => void answer(request, response, makePage));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, closed: closing(server, stop) };
}

function closing(server: Server, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const close = (): void => {
      server.close(() => resolve());
      server.closeAllConnections();
    };
    if (stop.aborted) close();
    else stop.addEventListener('abort', close, { once: true });
  });
}

async function answer(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  makePage: () => Promise<string>,
): Promise<void> {
  if (url !== '/' || (method !== 'GET' && method !== 'HEAD'))
    return send(response, 404, 'text/plain', 'not here\n');
  try {
    send(response, 200, 'text/html', await makePage());
  } catch (error) {
    send(response, 500, 'text/plain', `${(error as Error).message}\n`);
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  // Visits are rare; a connection kept open could end just when the next one wants to use it.
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
