// The CUDA device against the float64 reference, by the same bodies as the CPU: on the emulation that
// HALFSPACE_CUDA_LIBRARY names, or on a GPU where there is one.

import test from 'ava';
import { listDevices } from '../lib/train/devices.js';
import { holdToReference } from './parity.js';
import { holdNetworksToReference } from './parity-networks.js';
import { holdTrainingToReference } from './parity-training.js';
import { holdUpdateToReference } from './parity-update.js';

const device = listDevices().find(({ name }) => name !== 'cpu');

if (device?.available) {
  holdToReference(device.name);
  holdUpdateToReference(device.name);
  holdTrainingToReference(device.name);
  holdNetworksToReference(device.name);
} else {
  test('there is no CUDA device to test', (t) => {
    t.log(device?.description ?? 'none is known');
    t.pass();
  });
}
