import { type Startable } from '../../../common/lifecycle.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { type RecordWriter } from '../../template/record-writer.js';
import { type ConnectionLogs } from './connection-logs.js';
import { type ContainerConnection } from './internal-container.js';

// Between a connection and the places that its delayed sends can wait in.

/** Something that records can wait in; ids are made here and tell when they are due. */
export interface DelayBackend extends Startable {
  put(id: string, dueAt: number, topic: string, partition: number | undefined, record: OutgoingRecord): Promise<void>;
  cancel(id: string, dueAt: number): Promise<boolean>;
}

/** The connection, as far as delayed sends need it. */
export interface DelayConnection extends ContainerConnection {
  readonly logs: ConnectionLogs;
  readonly recordWriter: RecordWriter;
  sendRecord(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<unknown>;
}
