// Record batches (magic 2): building them record by record, reading them, and the control batches of transactions.
// Header fields alone are read and patched by record-batch-header.ts.

export {
  type ControlBatchOptions,
  type ControlRecord,
  type ControlType,
  decodeControlRecord,
  encodeControlBatch,
} from './control-batch.js';
export {
  type BatchOptions,
  encodeRecords,
  RecordBatchBuilder,
  rewriteProducerState,
} from './record-batch-builder.js';
export { crcOf, sealCrc, verifyCrc } from './record-batch-crc.js';
export { type BatchRecord, decodeBatch, recordsOf } from './record-batch-reader.js';
