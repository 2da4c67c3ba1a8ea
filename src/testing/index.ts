// `nestdaw/testing`: what users import in their own tests.

export { EmbeddedKafka, type EmbeddedKafkaOptions } from './embedded-kafka.js';
export type { KafkaForTests, OverridableBuilder } from './kafka-for-tests.js';
export { type UntilOptions, until } from './until.js';
