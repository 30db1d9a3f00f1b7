// A model to the bytes of a file.

import protobuf from 'protobufjs/light.js';
import { layouts, type ModelProto } from './schema.js';

const messages = Object.entries(layouts).map(([name, fields]) => [name, { fields }] as const);
const modelType = protobuf.Root.fromJSON({ nested: Object.fromEntries(messages) }).lookupType('ModelProto');

/** The bytes of a model; messages are taken as they are, without a copy of the tensors before. */
export const encodeModel = (model: ModelProto): Uint8Array =>
  modelType.encode(modelType.fromObject(model)).finish();
