import { ErrorCode, type ErrorName } from '../../protocol/error-codes.js';

// Why an operation was not done: a value for the answer, never an exception.

export interface Refusal {
  readonly errorCode: number;
  readonly errorMessage: string;
}

export function refused(error: ErrorName, errorMessage: string): Refusal {
  return { errorCode: ErrorCode[error], errorMessage };
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'errorMessage' in value && 'errorCode' in value;
}
