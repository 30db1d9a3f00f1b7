// Run by cuda-devices.test.ts: a network whose images leave little of the GPU's memory.

import { Network } from '../lib/network.js';
import { InferenceNetwork } from '../lib/train/inference.js';
import { initialWeights } from '../lib/weights.js';

const network = new Network();
// 1 MiB, and 9 MiB for each image after the resizing.
const small = network.conv(network.input('images', [1, 64, 64, 64]), 64, { name: 'conv' });
const large = network.resize(small, { scale: 3 });
const graph = network.graph([network.globalAveragePool(network.add([large, network.sigmoid(large)]))]);
using session = await InferenceNetwork.open(graph, initialWeights(graph, 1), { device: 'cuda' });
const [means] = await session.run({ images: new Float32Array(64 ** 3).fill(1) });
console.log(means?.every(Number.isFinite));
