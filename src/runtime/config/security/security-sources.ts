import { type ClientKind } from '../config-key.js';
import { type Environment } from '../environment.js';
import { type KafkaProperties } from '../kafka-properties.js';
import { type SharedName } from '../keys/security-keys.js';
import { mistakeAt } from '../mistake-at.js';
import { type Mistake } from '../mistakes.js';

// What encryption and login are read from, and how a mistake in it is told.

export interface SecuritySources {
  readonly properties: KafkaProperties;
  readonly environment: Environment;
  /** Folder that relative paths start from. */
  readonly cwd: string;
}

/** The clients that exist. */
export type SecureClient = ClientKind;

/** A mistake about one key of a client, at the place where the key is set. */
export function securityMistake(
  properties: KafkaProperties,
  client: ClientKind,
  name: SharedName,
  problem: string,
): Mistake {
  return mistakeAt(properties, properties.nameFor(client, name), problem);
}
