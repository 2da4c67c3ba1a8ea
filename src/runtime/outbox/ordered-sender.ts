import { type OutgoingRecord } from '../../common/record.js';

// How the relay sends: many at once, and yet nothing overtakes what is lost.

export interface OrderedSender {
  /**
   * Records of one partition are stored in the order of the calls. Once one is lost, those behind it are refused until
   * `resume`.
   */
  send(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<unknown>;
  /** Whether a send failed only because another record before it is lost. */
  isRefused(error: unknown): boolean;
  /** What is lost will be sent again: refuses nothing any more. */
  resume(): void;
}
