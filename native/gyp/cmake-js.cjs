// Called by binding.gyp: `cmake-js.cjs CONFIGURATION PRODUCT_DIR`. Runs the CMake build in its own
// folder (gyp and cmake-js both like `build/`) and puts the addon where gyp's users look for it.

const { execFileSync } = require('node:child_process');
const { copyFileSync, mkdirSync } = require('node:fs');
const path = require('node:path');

const [configuration, productDirectory] = process.argv.slice(2);
const root = path.resolve(__dirname, '../..');
const output = path.join(root, 'build/cmake');
const cmakeJs = require.resolve('cmake-js/bin/cmake-js', { paths: [root] });

for (const command of ['configure', 'build']) {
  const options = ['-d', root, '-O', output, '--config', configuration];
  execFileSync(process.execPath, [cmakeJs, command, ...options], { stdio: 'inherit' });
}
mkdirSync(productDirectory, { recursive: true });
copyFileSync(
  path.join(output, configuration, 'halfspace.node'),
  path.join(productDirectory, 'halfspace.node'),
);
