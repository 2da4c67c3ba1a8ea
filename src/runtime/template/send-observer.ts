import { type SendResult } from './producer-record.js';
import { type HeaderValue, type RecordKey } from './serializers.js';

// The port through which tracers and meters see sends. The template knows none of them: an adapter begins something at
// each send, may write headers (`traceparent`), and is told the end.

/** A send as an observer sees it, before serialization. */
export interface ObservedSend {
  readonly topic: string;
  /** Undefined when the producer chooses. */
  readonly partition: number | undefined;
  readonly key: RecordKey;
  /** Value of a header that the record has by now; undefined without it. The last one where a name comes twice. */
  header(name: string): HeaderValue | undefined;
  /** Adds a header, in place of one of the same name: `setHeader('traceparent', '00-…')`. */
  setHeader(name: string, value: HeaderValue): void;
}

/** What an observer began; exactly one of the two is called. */
export interface SendObservation {
  succeeded(result: SendResult): void;
  failed(error: Error): void;
}

/** Watches sends (Spring: observation of the template). What it throws is logged and changes nothing. */
export interface SendObserver {
  /** A send begins. Undefined: nobody wants to know how this one ends. */
  begin(send: ObservedSend): SendObservation | undefined;
}
