// The CPU device against the float64 reference.

import { holdToReference } from './parity.js';

holdToReference('cpu');
