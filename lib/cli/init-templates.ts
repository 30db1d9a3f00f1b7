// What `init` writes. Tests run it as it is.

/** Settings that a first run needs, each with what it means. */
export interface FirstSettings {
  readonly model: string;
  readonly data: string;
}

type Setting = readonly [name: string, value: string | number, meaning: string];

const first = ({ model, data }: FirstSettings): readonly Setting[] => [
  ['model', model, 'what to train'],
  ['data', data, 'what to train it on'],
  ['sparsity', 0.5, 'the share of the groups that shall go'],
  ['epochs', 4, 'passes over the data'],
  ['lr', 0.05, 'the highest learning rate'],
  ['out', 'runs/first', 'where checkpoints, networks and the report go'],
];

/** Where editors find what settings there are, once the package is installed beside the file. */
const schema = './node_modules/halfspace/config.schema.json';

const json = (settings: FirstSettings): string => {
  const entries = first(settings).map(([name, value]) => [name, value]);
  return `${JSON.stringify({ $schema: schema, ...Object.fromEntries(entries) }, null, 2)}\n`;
};

/** JSON texts are YAML texts; words without signs need no quotes. */
const yaml = (settings: FirstSettings): string => {
  const lines = first(settings).map(([name, value, meaning]) => {
    const text = /^[a-z][\w-]*$/i.test(String(value)) ? value : JSON.stringify(value);
    return `${name}: ${text} # ${meaning}\n`;
  });
  return `# yaml-language-server: $schema=${schema}\n${lines.join('')}`;
};

const ts = (settings: FirstSettings): string => {
  const lines = first(settings).map(([name, value, meaning]) => {
    const text = typeof value === 'string' ? `'${value.replace(/['\\]/g, '\\$&')}'` : value;
    return `  ${name}: ${text}, // ${meaning}\n`;
  });
  return `import type { Config } from 'halfspace/config';\n\nexport default {\n${lines.join('')}} satisfies Config;\n`;
};

export const configTemplates = { json, yaml, ts } as const;

export type ConfigFormat = keyof typeof configTemplates;

const intent = `// A super-network: a network with more branches than it needs. In each stage three convolutions of
// different size and a shortcut end in one sum, so each convolution can be erased, and the shortcut stays.`;

const body = `  let x = unit(net.input('image', [1, ...input]), 3);
  for (let stage = 0; stage < 2; stage += 1) {
    x = net.add([x, unit(x, 1), unit(x, 3), unit(x, 5)]);
    x = net.maxPool(x, { kernel: 2 });
  }
  return net.graph([net.linear(net.flatten(net.globalAveragePool(x)), classes)]);
}
`;

const inJavaScript = `${intent}

import { Network } from 'halfspace';

/** Built for the images and classes of the data set; \`halfspace train --width\` gives the width. */
export default function network({ input, classes, width = 16 }) {
  const net = new Network();
  const unit = (x, kernel) => net.relu(net.batchNorm(net.conv(x, width, { kernel, bias: false })));
${body}`;

const inTypeScript = `${intent}

import { Network, type Graph, type Value } from 'halfspace';
import type { ModelOptions } from 'halfspace/models';

/** Built for the images and classes of the data set; \`halfspace train --width\` gives the width. */
export default function network({ input, classes, width = 16 }: ModelOptions): Graph {
  const net = new Network();
  const unit = (x: Value, kernel: number): Value =>
    net.relu(net.batchNorm(net.conv(x, width, { kernel, bias: false })));
${body}`;

/** A network of the user's own, in the language of the config file. */
export const networkTemplate = (format: ConfigFormat): { readonly file: string; readonly text: string } =>
  format === 'ts' ? { file: 'network.ts', text: inTypeScript } : { file: 'network.mjs', text: inJavaScript };
