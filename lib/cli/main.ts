#!/usr/bin/env node
// Entry of the command line; everything else is in program.ts, where tests can reach it.

import { endWithReader } from './output.js';
import { main } from './program.js';

endWithReader();
process.exitCode = await main(process.argv);
