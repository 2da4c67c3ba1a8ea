import { type ConnectOptions } from './connect.js';
import { type FormatterName } from './record-formatters.js';

/** Of `nestdaw consume`, as commander hands it over. */
export interface ConsumeOptions extends ConnectOptions {
  readonly topic: string;
  readonly partition?: number;
  /** First offset, in each partition. */
  readonly offset?: number;
  readonly limit?: number;
  readonly formatter: FormatterName;
  readonly json?: boolean;
}
