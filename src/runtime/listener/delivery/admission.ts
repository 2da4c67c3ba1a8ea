import { type KafkaRecord } from '../../../common/record.js';
import { type Recoverer } from '../failures/recoverer.js';

// Asked before a record is handed to its handler: whether its time has come, and whether it belongs here at all.

export type Admission =
  /** Not before this time, ms since the epoch. What must not overtake it waits with it. */
  | {
      readonly action: 'wait';
      readonly until: number;
      /** Nothing behind it in its partition has its time before this one either: until then no more of it is polled. */
      readonly quietUntil?: number;
    }
  /** Finished without its handler. */
  | { readonly action: 'skip' }
  /** Hand it on instead; it is finished when the recoverer has taken it. */
  | {
      readonly action: 'hand-over';
      readonly recoverer: Recoverer;
      /** Whether what must not overtake it waits until it is taken. Default true. */
      readonly isOrdered?: boolean;
    };

/** Undefined: the record may run. */
export type AdmissionRule = (record: KafkaRecord) => Admission | undefined;
