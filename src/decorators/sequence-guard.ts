import 'reflect-metadata';
import { KAFKA_SEQUENCE } from './metadata-keys.js';

// @SequenceGuard: a listener watches the numbers that producers give to their records.

export interface SequenceGuardOptions {
  /** Header of the sequence id, `<producer>:<number>`. May hold placeholders. Default `sequence-id`. */
  readonly header?: string;
}

/**
 * Watches the sequence ids of the listener's records (stamped where `kafka.template.sequence-id-header` is set): what
 * is missing, comes twice or comes late is logged and told by the event `sequence`, before the records are handled.
 * It changes nothing about how they are handled. Redeliveries are nothing new. Each process begins with the first
 * record of a producer that it sees.
 */
export function SequenceGuard(options: SequenceGuardOptions = {}): ClassDecorator & MethodDecorator {
  return (target: object, _name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const holder = descriptor === undefined ? target : (descriptor.value as object);
    Reflect.defineMetadata(KAFKA_SEQUENCE, options, holder);
  };
}
