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

function assignorNamed(name: string): Assignor {
  const short = name.startsWith(JAVA_PACKAGE) ? name.slice(JAVA_PACKAGE.length) : name;
  const found = JAVA_NAMES.get(short) ?? PACKAGED.find((assignor) => assignor.name === short.toLowerCase());
  if (found) return found;
  const known = PACKAGED.map((assignor) => assignor.name).join(', ');
  throw configError(
    `partition.assignment.strategy names '${name}', which is unknown: use ${known}, or an own assignor`,
  );
}

function configError(message: string): NestdawError {
  return new NestdawError('KAFKA_CONFIG_INVALID', message);
}
