import { type Row } from '../row.js';
import { lifeRows } from './broker-life.js';
import { throughputRows } from './broker-throughput.js';

// All rows of the broker.

export const brokerRows: readonly Row[] = [...lifeRows, ...throughputRows];
