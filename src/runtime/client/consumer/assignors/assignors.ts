import { NestdawError } from '../../../../common/errors.js';
import { type Assignor } from './assignor.js';
import { cooperativeStickyAssignor } from './cooperative-sticky-assignor.js';
import { rangeAssignor } from './range-assignor.js';
import { roundRobinAssignor } from './round-robin-assignor.js';
import { stickyAssignor } from './sticky-assignor.js';

// The strategies that come with the package, found by wire name or by the class name that Java configurations use.

const PACKAGED: readonly Assignor[] = [rangeAssignor, roundRobinAssignor, stickyAssignor, cooperativeStickyAssignor];

const JAVA_PACKAGE = 'org.apache.kafka.clients.consumer.';
const JAVA_NAMES = new Map<string, Assignor>([
  ['RangeAssignor', rangeAssignor],
  ['RoundRobinAssignor', roundRobinAssignor],
  ['StickyAssignor', stickyAssignor],
  ['CooperativeStickyAssignor', cooperativeStickyAssignor],
]);

/** The strategies that `partition.assignment.strategy` names, in the order of preference. */
export function resolveAssignors(strategies: readonly (string | Assignor)[]): Assignor[] {
  const found = strategies.map((strategy) => (typeof strategy === 'string' ? assignorNamed(strategy) : strategy));
  if (found.length === 0) throw configError('partition.assignment.strategy is empty: name at least one strategy');
  return [...new Set(found)];
}

/** One that comes with the package, by its wire name or Java's class; undefined for any other name. */
export function packagedAssignor(name: string): Assignor | undefined {
  const short = name.startsWith(JAVA_PACKAGE) ? name.slice(JAVA_PACKAGE.length) : name;
  return JAVA_NAMES.get(short) ?? PACKAGED.find((assignor) => assignor.name === short.toLowerCase());
}

/** Names of those that come with the package, for messages. */
export const PACKAGED_ASSIGNORS = PACKAGED.map(({ name }) => name).join(', ');

function assignorNamed(name: string): Assignor {
  const found = packagedAssignor(name);
  if (found) return found;
  throw configError(
    `partition.assignment.strategy names '${name}', which is unknown: use ${PACKAGED_ASSIGNORS}, or an own assignor`,
  );
}

function configError(message: string): NestdawError {
  return new NestdawError('KAFKA_CONFIG_INVALID', message);
}
