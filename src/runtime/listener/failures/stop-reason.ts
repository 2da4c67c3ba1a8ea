import { causesOf, hasCode } from '../../../common/errors.js';
import { isRefusal } from '../../client/consumer-client.js';

/** Why a container ended (Spring: `ConsumerStoppedEvent.Reason`): on request, or what its cause says. */
export type StopReason = 'normal' | 'error' | 'fenced' | 'auth' | 'no-offset';

export function stopReason(failure: { readonly cause: unknown } | undefined): StopReason {
  if (failure === undefined) return 'normal';
  if (isRefusal(failure.cause)) return 'auth';
  for (const error of causesOf(failure.cause)) {
    if (hasCode(error, 'KAFKA_NO_OFFSET')) return 'no-offset';
    if (hasCode(error, 'KAFKA_PRODUCER_FENCED')) return 'fenced';
  }
  return 'error';
}
