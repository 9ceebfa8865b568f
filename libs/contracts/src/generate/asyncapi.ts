import type { z } from 'zod';
import { CHANNELS, PARAMETERS, type Channel } from './channels.ts';
import { components, nameOf, type JsonSchema } from './schemas.ts';

const parametersOf = (address: string): Readonly<Record<string, { readonly description: string }>> =>
  Object.fromEntries([...address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [name, { description: PARAMETERS[name] ?? name }]));

const messageRefs = (schemas: readonly z.ZodType[]) => Object.fromEntries(schemas.map((schema) => [nameOf(schema), { $ref: `#/components/messages/${nameOf(schema)}` }]));
const channelMessages = (channel: string, schemas: readonly z.ZodType[]) => schemas.map((schema) => ({ $ref: `#/channels/${channel}/messages/${nameOf(schema)}` }));

const channelsOf = (channel: Channel): readonly (readonly [string, JsonSchema])[] => {
  const parameters = parametersOf(channel.address);
  const asked = {
    address: channel.address, description: `${channel.description} ${channel.carrier}; from ${channel.from} to ${channel.to}.`,
    ...(Object.keys(parameters).length > 0 ? { parameters } : {}), messages: messageRefs(channel.messages),
  };
  if (!channel.replies) return [[channel.name, asked]];
  return [[channel.name, asked], [`${channel.name}Reply`, { address: null, description: `Answer to ${channel.name}, on the reply subject of the request.`, messages: messageRefs(channel.replies) }]];
};

const operationOf = (channel: Channel): JsonSchema => ({
  action: 'send', channel: { $ref: `#/channels/${channel.name}` }, summary: channel.description, messages: channelMessages(channel.name, channel.messages),
  ...(channel.replies ? { reply: { channel: { $ref: `#/channels/${channel.name}Reply` }, messages: channelMessages(`${channel.name}Reply`, channel.replies) } } : {}),
});

/** Schemas that `names` refer to, themselves included. */
export const reachable = (all: Readonly<Record<string, JsonSchema>>, names: Iterable<string>): Readonly<Record<string, JsonSchema>> => {
  const found = new Set<string>(names);
  for (const name of found) {
    for (const [, inner = ''] of JSON.stringify(all[name]).matchAll(/#\/components\/schemas\/(\w+)/g)) found.add(inner);
  }
  return Object.fromEntries([...found].sort().map((name) => [name, all[name] ?? {}]));
};

/** AsyncAPI 3.0 of every subject. `action` is the one of who starts: send. */
export const asyncApi = (version: string): JsonSchema => {
  const names = [...new Set(CHANNELS.flatMap(({ messages, replies = [] }) => [...messages, ...replies]).map(nameOf))].sort();
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Tallystick messages', version, license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      description: 'Subjects and messages on NATS. Everything on them can be derived again from the log, save an intent that was not answered.',
    },
    defaultContentType: 'application/json',
    servers: { local: { host: 'localhost:4222', protocol: 'nats', description: 'The nats-server of one machine.' } },
    channels: Object.fromEntries(CHANNELS.flatMap(channelsOf)),
    operations: Object.fromEntries(CHANNELS.map((channel) => [channel.name, operationOf(channel)])),
    components: {
      messages: Object.fromEntries(names.map((name) => [name, { name, title: name, contentType: 'application/json', payload: { $ref: `#/components/schemas/${name}` } }])),
      schemas: reachable(components('draft-7'), names),
    },
  };
};
