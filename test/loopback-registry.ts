// A registry for one scope on this machine, out of packed tarballs: as much of the protocol as npm asks
// for when it installs.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Registry {
  readonly url: string;
  /** Names that were asked for, in order. */
  readonly asked: readonly string[];
  close(): void;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
}

/** The package.json inside a tarball. */
export const packedManifest = (tarball: string): Manifest & Readonly<Record<string, unknown>> =>
  JSON.parse(
    execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }),
  ) as Manifest & Record<string, unknown>;

export async function serveRegistry(tarballs: readonly string[]): Promise<Registry> {
  const packages = new Map(tarballs.map((path) => [packedManifest(path).name, path]));
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1);
    const [name, file] = path.split('/-/') as [string, string | undefined];
    const tarball = packages.get(name);
    if (file === undefined) asked.push(name);
    if (tarball === undefined) return response.writeHead(404).end('{}');
    if (file !== undefined) return response.end(readFileSync(tarball));
    return response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify(describe(tarball, `http://${request.headers.host}/${name}/-/package.tgz`)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, asked, close: () => server.close() };
}

function describe(tarball: string, url: string): object {
  const manifest = packedManifest(tarball);
  const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  return {
    name: manifest.name,
    'dist-tags': { latest: manifest.version },
    versions: { [manifest.version]: { ...manifest, dist: { tarball: url, integrity } } },
  };
}
