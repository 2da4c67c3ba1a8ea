import { describe, expect, it } from '@jest/globals';
import { NestdawError } from '../../src/common/errors.js';
import {
  brokerError,
  ErrorCode,
  errorInfo,
  errorName,
  isRetriable,
  needsMetadataRefresh,
} from '../../src/protocol/error-codes.js';

describe('error codes', () => {
  it('run from -1 to 133 without a hole, each known by number and by name', () => {
    const codes = Object.values(ErrorCode).sort((a, b) => a - b);
    expect(codes).toEqual(Array.from({ length: 135 }, (_, i) => i - 1));
    for (const [name, code] of Object.entries(ErrorCode)) {
      expect(errorName(code)).toBe(name);
      expect(errorInfo(code)!.message).not.toBe('');
    }
  });

  it('say what a client does about them', () => {
    expect(isRetriable(ErrorCode.NOT_LEADER_OR_FOLLOWER)).toBe(true);
    expect(needsMetadataRefresh(ErrorCode.NOT_LEADER_OR_FOLLOWER)).toBe(true);
    expect(isRetriable(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)).toBe(true);
    expect(needsMetadataRefresh(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)).toBe(false);
    expect(isRetriable(ErrorCode.ILLEGAL_GENERATION)).toBe(false);
    expect(isRetriable(9999)).toBe(false);
  });

  it('become errors that name the code, its number and what was asked', () => {
    const error = brokerError(ErrorCode.NOT_COORDINATOR, "commit of group 'billing'");
    expect(error).toBeInstanceOf(NestdawError);
    expect(error).toMatchObject({
      name: 'BrokerError',
      code: 'KAFKA_PROTOCOL_ERROR',
      errorCode: 16,
      errorName: 'NOT_COORDINATOR',
      retriable: true,
      message: "commit of group 'billing': NOT_COORDINATOR (16), this broker is not the coordinator",
    });
    expect(brokerError(999, 'produce')).toMatchObject({ errorName: 'ERROR_999', retriable: false });
  });
});
