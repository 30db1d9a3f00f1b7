// The CPU device against the float64 reference.

import { holdToReference } from './parity.js';
import { holdNetworksToReference } from './parity-networks.js';
import { holdTrainingToReference } from './parity-training.js';
import { holdUpdateToReference } from './parity-update.js';

holdToReference('cpu');
holdUpdateToReference('cpu');
holdTrainingToReference('cpu');
holdNetworksToReference('cpu');
