// Everything a class can say about itself.
export { DEFAULT_CONNECTION, getKafkaTemplateToken, InjectKafkaTemplate } from './inject-kafka-template.js';
export {
  KafkaListener,
  type KafkaListenerOptions,
  type ListenerAckMode,
  type ListenerOrder,
  type PayloadClass,
} from './kafka-listener.js';
export { Ack, Header, Headers, Key, type ParameterPipe, Payload, Record, Signal } from './parameters.js';
export { Producer, type ProducerOptions } from './producer.js';
