// `nestdaw/broker`: a Kafka broker in your own process.

export { Broker, type BrokerOptions } from './broker.js';
