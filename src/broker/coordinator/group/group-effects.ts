import { type GroupMetadata } from '../offset-records.js';

// What the classic group asks of the world around it, as values: answers to parked requests, timers, a record to
// store. And what the world asks of the group: the requests, free of any wire version.

/** A request that waits for its answer; numbers are given out by the caller and come back in an effect. */
export type Ticket = number;

export interface MemberProtocol {
  readonly name: string;
  /** Opaque to the broker, but for the topic list of consumers. */
  readonly metadata: Buffer;
}

export interface JoinRequest {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
  /** A newcomer gets an id first and joins again with it (JoinGroup v4+, KIP-394). */
  readonly requireKnownMemberId: boolean;
  /** The member understands that a returning leader keeps the assignment (JoinGroup v9+, KIP-814). */
  readonly supportsSkippingAssignment: boolean;
  /** Id for a newcomer that brings none. */
  readonly newMemberId: string;
}

export interface JoinedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly metadata: Buffer;
}

export interface JoinAnswer {
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  /** For the leader only. */
  readonly members: readonly JoinedMember[];
}

export interface SyncRequest {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
  /** Null where the version does not say (below v5). */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: ReadonlyArray<{ readonly memberId: string; readonly assignment: Buffer }>;
}

export interface SyncAnswer {
  readonly errorCode: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

export interface LeavingMember {
  /** Empty when an administrator removes a static member by its instance id. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** A timer of one group; setting one again replaces it. */
export type GroupTimer =
  | { readonly kind: 'session'; readonly memberId: string } // no sign of life
  | { readonly kind: 'pending'; readonly memberId: string } // was given an id and did not come back with it
  | { readonly kind: 'join' } // end of the wait for members
  | { readonly kind: 'sync' }; // end of the wait for members to fetch their assignment

export type GroupEffect =
  | { readonly type: 'answer-join'; readonly ticket: Ticket; readonly answer: JoinAnswer }
  | { readonly type: 'answer-sync'; readonly ticket: Ticket; readonly answer: SyncAnswer }
  | { readonly type: 'schedule'; readonly timer: GroupTimer; readonly delayMs: number }
  | { readonly type: 'cancel'; readonly timer: GroupTimer }
  /** To be appended before anything else happens to the group; the outcome goes to `ClassicGroup.stored`. */
  | { readonly type: 'store'; readonly metadata: GroupMetadata };

const NO_BYTES = Buffer.alloc(0);

export function refusedJoin(errorCode: number, memberId: string): JoinAnswer {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

export function refusedSync(errorCode: number): SyncAnswer {
  return { errorCode, protocolType: null, protocolName: null, assignment: NO_BYTES };
}
