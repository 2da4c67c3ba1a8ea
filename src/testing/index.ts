// `nestdaw/testing`: what users import in their own tests.

export { EmbeddedKafka, type EmbeddedKafkaOptions, type OverridableBuilder } from './embedded-kafka.js';
export { type UntilOptions, until } from './until.js';
