import { type Logger } from '../../../common/logger.js';
import { type Delivery } from '../delivery/delivery.js';
import { sentenceOf } from '../log-text.js';
import { type ErrorHandler } from './error-handler.js';
import { type FailureDesk } from './failure-desk.js';
import { type Recoverer } from './recoverer.js';

// At most once: whatever fails, no record is handled again.

const POLICY = 'ackMode AT_MOST_ONCE';

/** Beyond every number of deliveries that an error handler may allow. */
const NO_MORE = Number.MAX_SAFE_INTEGER;

/** An error handler whose records are not delivered again: they are handed on, or passed over. */
export function onlyOnce(handler: ErrorHandler, listener: string, logger: Logger): ErrorHandler {
  return (failure) => {
    const decision = handler({ ...failure, attempt: NO_MORE });
    if (decision.action === 'recover')
      return { ...decision, recoverer: lastChance(decision.recoverer, listener, logger) };
    if (decision.action === 'skip' || decision.action === 'stop-container') return decision;
    return { action: 'skip', policy: POLICY };
  };
}

/** One that fails is not asked again: the record would be handled again before that. */
function lastChance(recoverer: Recoverer, listener: string, logger: Logger): Recoverer {
  return {
    ...(recoverer.description === undefined ? {} : { description: recoverer.description }),
    async recover(failure) {
      try {
        await recoverer.recover(failure, { logger });
      } catch (error) {
        const { topic, partition, offset } = failure.record;
        logger.error(
          `listener '${listener}': ${topic}-${partition} offset ${offset} failed, and could not be handed on: ` +
            `${sentenceOf(error)} It is lost (${POLICY}).`,
          error,
        );
      }
    },
  };
}

/** A handler that was interrupted has had its record: it failed. */
export function failedWhenInterrupted(desk: FailureDesk): Pick<FailureDesk, 'failed' | 'nacked' | 'interrupted'> {
  return {
    failed: (delivery, error, atHead) => desk.failed(delivery, error, atHead),
    nacked: (delivery, delayMs) => desk.nacked(delivery, delayMs),
    interrupted: (delivery: Delivery) => desk.failed(delivery, delivery.abortReason, false),
  };
}
