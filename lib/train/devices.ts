// Which devices can train here, why another cannot, and which one `auto` means.

import { cpus } from 'node:os';
import { native, type DeviceInfo } from './native.js';

export type { DeviceInfo } from './native.js';

/** All devices known to this build, usable or not; the first one that is not the CPU is what `auto` prefers. */
export function listDevices(): readonly DeviceInfo[] {
  const cpu = describeCpu();
  return cpu.available ? [cpu, ...native().devices()] : [cpu];
}

/** A device that `auto` was resolved to, and the words for it. */
export interface ChosenDevice {
  readonly name: string;
  /** Which device was taken for `auto`, and why; null where the device was named. */
  readonly note: string | null;
}

/** Resolves `auto`: the first GPU that can be used, or else the CPU. Any other name stays what it is. */
export function chooseDevice(name: string, devices: () => readonly DeviceInfo[] = listDevices): ChosenDevice {
  if (name !== 'auto') return { name, note: null };
  const others = devices().filter((device) => device.name !== 'cpu');
  const found = others.find(({ available }) => available);
  if (found) return { name: found.name, note: `device: ${found.name}, ${found.description}` };
  const reasons = others.map(({ name: other, description }) => `${other}: ${description}`).join('; ');
  return { name: 'cpu', note: `device: cpu (${reasons || 'there is no other'})` };
}

function describeCpu(): DeviceInfo {
  try {
    const model = cpus()[0]?.model.trim() ?? 'unknown processor';
    return { name: 'cpu', available: true, description: `${model}, ${native().cores()} cores, oneDNN` };
  } catch (error) {
    return { name: 'cpu', available: false, description: (error as Error).message };
  }
}
