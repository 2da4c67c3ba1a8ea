import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { type ConsumerClient } from '../client/consumer-client.js';
import { type ContainerCounters } from './container-counters.js';
import { type ContainerEvents } from './container-events.js';

/** Whose consumer a part works for, and whom it tells and asks: what nearly every part of a consumer is given. */
export interface ConsumerContext {
  /** Id of the listener. */
  readonly listener: string;
  /** Of the consumer in its container, from 0. */
  readonly index: number;
  readonly consumer: ConsumerClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: ContainerEvents;
  readonly counters: ContainerCounters;
}
