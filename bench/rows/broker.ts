import { type Row } from '../row.js';
import { clientRows } from './broker-clients.js';
import { lifeRows } from './broker-life.js';
import { scaleRows } from './broker-scale.js';
import { throughputRows } from './broker-throughput.js';

// All rows of the broker.

export const brokerRows: readonly Row[] = [...lifeRows, ...throughputRows, ...clientRows, ...scaleRows];
