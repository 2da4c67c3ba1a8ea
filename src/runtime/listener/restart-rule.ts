import { hasCode } from '../../common/errors.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { causesOf } from './error-match.js';

// Which failures of a container are worth starting again, and when.

export interface RestartSettings {
  /** After the cluster refused login or rights. */
  readonly authRetryMs?: number | undefined;
  /** After a start that failed for any reason. */
  readonly startRetryMs?: number | undefined;
}

const REFUSALS = new Set<number>([
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.GROUP_AUTHORIZATION_FAILED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.SASL_AUTHENTICATION_FAILED,
]);

/** Ms until the next start; undefined: it stays as it is. */
export function restartAfter(cause: unknown, hadStarted: boolean, settings: RestartSettings): number | undefined {
  if (settings.authRetryMs !== undefined && isRefusal(cause)) return settings.authRetryMs;
  return hadStarted ? undefined : settings.startRetryMs;
}

/** Login or rights were refused: nothing that waiting alone cures, but somebody may grant them. */
export function isRefusal(cause: unknown): boolean {
  for (const error of causesOf(cause)) {
    if (REFUSALS.has((error as { errorCode?: number } | null)?.errorCode ?? 0)) return true;
    // A connection that is worth no second try was refused for what it said, not for want of a server.
    if (hasCode(error, 'KAFKA_CONNECTION_FAILED') && (error as { retriable?: boolean }).retriable === false)
      return true;
  }
  return false;
}
