// Entry of the utility process: the service of service.js on Electron's port.

import * as library from 'halfspace';
import * as models from 'halfspace/models';

import { serve } from './service.js';

const port = process.parentPort;
port.on('message', ({ data }) => void handle(data));

const handle = serve(
  { ...library, ...models },
  (message) => port.postMessage(message),
  (code) => process.exit(code),
);
