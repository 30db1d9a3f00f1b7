// Which devices can train here, and why another cannot.

import { cpus } from 'node:os';
import { native } from './native.js';

export interface DeviceInfo {
  /** As `--device` takes it. */
  readonly name: string;
  readonly available: boolean;
  /** What it is, or why it cannot be used. */
  readonly description: string;
}

/** All devices known to this build, usable or not. */
export function listDevices(): readonly DeviceInfo[] {
  return [describeCpu()];
}

function describeCpu(): DeviceInfo {
  try {
    const model = cpus()[0]?.model.trim() ?? 'unknown processor';
    return { name: 'cpu', available: true, description: `${model}, ${native().cores()} cores, oneDNN` };
  } catch (error) {
    return { name: 'cpu', available: false, description: (error as Error).message };
  }
}
