// Writes down the public surface, so that every change of it is seen in review: docs/api/*.api.md, one file
// for each entry of the package, as api-extractor prints them.
//
//     npm run api              write them
//     npm run api -- --check   end with status 1 where they are not up to date

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type ExtractorMessage,
} from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
const TYPES = join(root, 'build/api/types');
const MADE = join(root, 'build/api');
const REPORTS = join(root, 'docs/api');

/** Name of the report and the file that the entry's types begin in. */
const entries = {
  halfspace: 'index.d.ts',
  'halfspace-models': 'models/index.d.ts',
  'halfspace-config': 'cli/config.d.ts',
} as const;

/** What the compiler says of lib, without its code. */
function emitTypes(): void {
  rmSync(TYPES, { recursive: true, force: true });
  const compiler = join(root, 'node_modules/@typescript/native/bin/tsc');
  const options = ['--project', 'tsconfig.build.json', '--emitDeclarationOnly', '--outDir', TYPES];
  execFileSync(process.execPath, [compiler, ...options], { cwd: root, stdio: 'inherit' });
}

/** Makes the report of one entry and answers with its path. */
function report(name: string, file: string): string {
  const silent = { default: { logLevel: ExtractorLogLevel.None, addToApiReportFile: false } };
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(TYPES, file),
      newlineKind: 'lf',
      compiler: { tsconfigFilePath: join(root, 'tsconfig.build.json') },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: MADE,
        reportTempFolder: join(MADE, 'temp'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      messages: {
        compilerMessageReporting: silent,
        extractorMessageReporting: {
          ...silent,
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
        },
        tsdocMessageReporting: silent,
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
  Extractor.invoke(config, { localBuild: true, messageCallback: hush });
  return join(MADE, `${name}.api.md`);
}

/** Whatever matters is in the report. */
function hush(message: ExtractorMessage): void {
  message.handled = true;
}

/** Compares with what is written down, or writes it; answers whether it was up to date. */
function settle(made: string, name: string, check: boolean): boolean {
  const kept = join(REPORTS, `${name}.api.md`);
  if (!check) copyFileSync(made, kept);
  return readFileSync(made, 'utf8') === readFileSync(kept, 'utf8');
}

mkdirSync(REPORTS, { recursive: true });
mkdirSync(MADE, { recursive: true });
emitTypes();
const stale = Object.entries(entries)
  .filter(([name, file]) => !settle(report(name, file), name, process.argv.includes('--check')))
  .map(([name]) => `docs/api/${name}.api.md`);
if (stale.length > 0) {
  console.error(`${stale.join(' and ')} differ from the public surface: run \`npm run api\``);
  process.exitCode = 1;
}
