// The JSON schema of config files, for editors: the schema that checks them, described in the words that
// the help uses.

import type { Command } from 'commander';
import * as z from 'zod';
import { configSchema } from './config-schema.js';

/** `program` is the whole command line; its `train` has an option for every setting. */
export function configJsonSchema(program: Command): object {
  const { $schema, properties, ...rest } = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' });
  return {
    $schema,
    title: 'Settings of halfspace',
    description: 'The options of `halfspace train`, by their names in camel case, and its model.',
    ...rest,
    properties: Object.fromEntries(
      Object.entries(properties ?? {}).map(([name, property]) => [
        name,
        { ...described(name, program), ...(property as object) },
      ]),
    ),
  };
}

function described(name: string, program: Command): { readonly description?: string } {
  const train = program.commands.find((command) => command.name() === 'train');
  const option = train?.options.find((each) => each.attributeName() === name);
  const argument = train?.registeredArguments.find((each) => each.name() === name);
  const description = option?.description ?? argument?.description;
  return description === undefined ? {} : { description };
}
