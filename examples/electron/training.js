// Entry of the utility process: the service of service.js on Electron's port.

import * as library from 'halfspace';
import * as models from 'halfspace/models';

import { serve } from './service.js';

const port = process.parentPort;

const handle = serve(
  { ...library, ...models },
  (answer) => port.postMessage(answer),
  (status) => process.exit(status),
);

port.on('message', ({ data }) => handle(data));
