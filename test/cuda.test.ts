// The CUDA device against the float64 reference, by the same bodies as the CPU.

import { cudaDevice, cudaTest } from './cuda-device.js';
import { BF16, TF32, holdOperatorsToReference, holdToReference } from './parity.js';
import { holdNetworksToReference } from './parity-networks.js';
import { holdTrainingToReference } from './parity-training.js';
import { holdUpdateToReference } from './parity-update.js';

if (cudaDevice === null) {
  cudaTest('CUDA agrees with the reference', async () => {});
} else {
  holdToReference(cudaDevice);
  holdOperatorsToReference(cudaDevice, BF16);
  holdOperatorsToReference(cudaDevice, TF32);
  holdUpdateToReference(cudaDevice);
  holdTrainingToReference(cudaDevice);
  holdNetworksToReference(cudaDevice);
}
