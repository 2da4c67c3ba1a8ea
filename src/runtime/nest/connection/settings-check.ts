import { hasCode, messageOf } from '../../../common/errors.js';
import { type Mistake } from '../../config/mistakes.js';

// Checks that clients make themselves, beside the rules of the configuration.

/** Runs a check of a client's settings and takes what it throws as a mistake. */
export function collect(mistakes: Mistake[], origin: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!hasCode(error, 'KAFKA_CONFIG_INVALID')) throw error;
    mistakes.push({ origin, problem: messageOf(error) });
  }
}
