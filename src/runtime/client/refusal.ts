import { causesOf, hasCode } from '../../common/errors.js';
import { ErrorCode } from '../../protocol/error-codes.js';

// Whether a cluster said no to who asks.

const REFUSALS = new Set<number>([
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.GROUP_AUTHORIZATION_FAILED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.SASL_AUTHENTICATION_FAILED,
]);

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
