import { describe, expect, it } from '@jest/globals';
import { type AckMode, CommitPolicy } from '../../../src/runtime/dispatch/commit-policy.js';

const policyOf = (ackMode: AckMode) => new CommitPolicy({ ackMode, ackCount: 3, ackTimeMs: 100 });

describe('CommitPolicy', () => {
  it.each<[AckMode, { finished: boolean; third: boolean; poll: boolean; idle: boolean; tick: boolean }]>([
    ['RECORD', { finished: true, third: true, poll: false, idle: true, tick: false }],
    ['BATCH', { finished: false, third: false, poll: true, idle: true, tick: false }],
    ['TIME', { finished: false, third: false, poll: false, idle: false, tick: true }],
    ['COUNT', { finished: false, third: true, poll: false, idle: true, tick: false }],
    ['COUNT_TIME', { finished: false, third: true, poll: false, idle: true, tick: true }],
    ['MANUAL', { finished: false, third: false, poll: true, idle: true, tick: false }],
    ['MANUAL_IMMEDIATE', { finished: true, third: true, poll: false, idle: true, tick: false }],
  ])('%s is due when it says so', (mode, due) => {
    const policy = policyOf(mode);
    expect(policy.pollHandled() || policy.idle() || policy.tick()).toBe(false);
    expect(policy.finished()).toBe(due.finished);
    expect(policy.finished()).toBe(due.finished);
    expect(policy.finished()).toBe(due.third);
    expect(policy.pollHandled()).toBe(due.poll);
    expect(policy.idle()).toBe(due.idle);
    expect(policy.tick()).toBe(due.tick);
  });

  it('counts again from a commit on, and keeps the count of one that failed', () => {
    const policy = policyOf('COUNT');
    policy.finished(2);
    policy.begin();
    expect(policy.finished()).toBe(false);
    policy.failed(2);
    expect(policy.pending).toBe(3);
    expect(policy.finished()).toBe(true);
  });
});
