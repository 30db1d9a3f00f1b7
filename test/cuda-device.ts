// The CUDA device that tests run on: a GPU, or the emulation where HALFSPACE_CUDA_LIBRARY names one.

import test, { type ExecutionContext } from 'ava';
import { listDevices } from '../lib/train/devices.js';

const device = listDevices().find(({ name }) => name !== 'cpu');

const named = process.env['HALFSPACE_CUDA_LIBRARY'];
if (named !== undefined && !device?.available) {
  throw new Error(`${named} is to be tested, but: ${device?.description ?? 'it gives no device'}`);
}

/** `cuda:0`; null where there is none. */
export const cudaDevice = device?.available ? device.name : null;

/** Whether the library is the emulation, which environment variables give other devices, or none. */
export const emulated = cudaDevice !== null && (device?.description ?? '').startsWith('Emulated GPU');

/** A test that needs the emulation; elsewhere it says that it was not run. */
export function emulatedTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  if (emulated) test(title, body);
  else test.skip(title, body);
}

/** A test that needs a CUDA device; elsewhere it says that it was not run. */
export function cudaTest(title: string, body: (t: ExecutionContext, device: string) => Promise<void>): void {
  if (cudaDevice === null) test.skip(title, (t) => t.pass());
  else test(title, (t) => body(t, cudaDevice));
}
