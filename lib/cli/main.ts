#!/usr/bin/env node
// Entry of the command line; everything else is in program.ts, where tests can reach it.

import { main } from './program.js';

process.exitCode = await main(process.argv);
