import { type ConnectOptions } from './connect.js';

/** What all of its commands take to find letters, as commander hands it over. */
export interface FilterOptions extends ConnectOptions {
  readonly topic?: string[];
  readonly from?: string[];
  readonly group?: string;
  readonly exception?: string;
  readonly key?: string;
  readonly header?: string;
  readonly since?: number;
  readonly until?: number;
  readonly all?: boolean;
  readonly limit?: number;
  readonly json?: boolean;
}

export interface ReplayCommandOptions extends FilterOptions {
  readonly to: string;
  readonly rate?: number;
  readonly again?: boolean;
  readonly dryRun?: boolean;
  readonly everything?: boolean;
}
