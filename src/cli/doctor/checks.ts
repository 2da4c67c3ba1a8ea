import { type Area, type Check } from './check.js';
import { BASIS_CHECKS } from './checks/basis-checks.js';
import { COMMITS } from './checks/consumer-checks.js';
import {
  COPY_CHECKS,
  MIN_INSYNC_REPLICAS,
  REPLICATION_FACTOR,
  SPARE_COPY,
  UNCLEAN_ELECTION,
} from './checks/copy-checks.js';
import { PLACE_CHECKS } from './checks/place-checks.js';
import { ACKS, CALLBACK, RETRIES, SENDING_CHECKS } from './checks/producer-checks.js';
import { SIZES } from './checks/size-checks.js';

// THE table of the doctor's checks, in the order of the report.

export const AREAS: Readonly<Record<Area, string>> = {
  basis: 'First of all',
  loss: 'Eight points against loss',
  sending: 'Sending',
  sizes: 'Sizes',
  cluster: 'The cluster as it is now',
};

/** The eight that a record gets lost by, from the producer over the cluster to the consumer. */
export const EIGHT_POINTS: readonly Check[] = [
  CALLBACK,
  ACKS,
  RETRIES,
  UNCLEAN_ELECTION,
  REPLICATION_FACTOR,
  MIN_INSYNC_REPLICAS,
  SPARE_COPY,
  COMMITS,
];

export const CHECKS: readonly Check[] = [
  ...BASIS_CHECKS,
  ...EIGHT_POINTS,
  ...SENDING_CHECKS,
  SIZES,
  ...COPY_CHECKS,
  ...PLACE_CHECKS,
];
