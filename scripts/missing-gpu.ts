// Reads what `halfspace devices --json` prints and says why no GPU can be used; nothing where one can. Fails
// where nobody looked for one, as without the addon, which lists the CPU alone.

import { text } from 'node:stream/consumers';
import type { DeviceInfo } from '../lib/train/devices.js';

const { devices } = JSON.parse(await text(process.stdin)) as { readonly devices: readonly DeviceInfo[] };
const [cpu, ...others] = devices;
if (!cpu?.available || others.length === 0) {
  throw new Error(`no GPU was looked for: ${cpu?.description ?? 'there is no device at all'}`);
}
if (!others.some(({ available }) => available)) {
  console.log(others.map(({ description }) => description).join('; '));
}
