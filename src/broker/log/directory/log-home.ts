import { type NestdawError } from '../../../common/errors.js';

/** Where logs lie, as they see it: one directory of `log.dirs`. */
export interface LogHome {
  readonly path: string;
  /** From its meta.properties; empty when that could never be read. */
  readonly id: string;
  /** Why nothing in it is served any more; undefined while it works. */
  readonly failure: NestdawError | undefined;
  /** A log in it can take no more writes. */
  logFailed(error: NestdawError): void;
}
