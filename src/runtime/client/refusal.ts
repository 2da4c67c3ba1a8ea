import { causesOf, hasCode } from '../../common/errors.js';
import { ErrorCode } from '../../protocol/error-codes.js';

// Whether a cluster said no to who asks.

const REFUSALS = new Set<number>([
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.GROUP_AUTHORIZATION_FAILED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.SASL_AUTHENTICATION_FAILED,
]);

/** What was refused: login, or rights. */
export type Refusal = 'authentication' | 'authorization';

/** Login or rights were refused: nothing that waiting alone cures, but somebody may grant them. */
export function isRefusal(cause: unknown): boolean {
  return refusalIn(cause) !== undefined;
}

/** What the cluster refused; undefined when it failed of something else. */
export function refusalIn(cause: unknown): Refusal | undefined {
  for (const error of causesOf(cause)) {
    const code = (error as { errorCode?: number } | null)?.errorCode ?? 0;
    if (REFUSALS.has(code)) return code === ErrorCode.SASL_AUTHENTICATION_FAILED ? 'authentication' : 'authorization';
    // A connection that is worth no second try was refused for what it said, not for want of a server.
    if (hasCode(error, 'KAFKA_CONNECTION_FAILED') && (error as { retriable?: boolean }).retriable === false)
      return 'authentication';
  }
  return undefined;
}
