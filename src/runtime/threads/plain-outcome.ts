import { type BatchOutcome, DONE } from '../listener/listener-endpoint.js';
import { type PlainOutcome } from './call-messages.js';
import { fromPlainError, toPlainError } from './plain-error.js';

// Outcomes as plain data, and back.

export function toPlainOutcome(outcome: BatchOutcome): PlainOutcome {
  switch (outcome.status) {
    case 'done':
      return { status: 'done' };
    case 'skipped':
      return { status: 'skipped', reason: outcome.reason };
    case 'failed':
      return { status: 'failed', error: toPlainError(outcome.error) };
    case 'failed-at': {
      const { index, error, isOpenBefore = false } = outcome;
      return { status: 'failed-at', index, error: toPlainError(error), isOpenBefore };
    }
  }
}

export function fromPlainOutcome(plain: PlainOutcome): BatchOutcome {
  switch (plain.status) {
    case 'done':
      return DONE;
    case 'skipped':
      return plain;
    case 'failed':
      return { status: 'failed', error: fromPlainError(plain.error) };
    case 'failed-at':
      return { ...plain, error: fromPlainError(plain.error) };
  }
}
