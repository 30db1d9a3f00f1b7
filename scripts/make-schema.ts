// Writes config.schema.json, by which editors check and complete config files.
//
//     npm run schema

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { configJsonSchema } from '../lib/cli/config-json-schema.js';
import { buildProgram } from '../lib/cli/program.js';

const file = fileURLToPath(new URL('../config.schema.json', import.meta.url));
writeFileSync(file, `${JSON.stringify(configJsonSchema(await buildProgram()), null, 2)}\n`);
