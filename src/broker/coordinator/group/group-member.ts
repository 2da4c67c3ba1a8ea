import { type StoredMember } from '../offset-records.js';
import { type JoinRequest, type MemberProtocol, type Ticket } from './group-effects.js';

// One member of a classic group, and which members there are.

export const NO_ASSIGNMENT = Buffer.alloc(0);

/** What a member says of itself in a join. */
export interface MemberFacts {
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** In order of preference. */
  readonly protocols: readonly MemberProtocol[];
}

export class GroupMember {
  assignment: Buffer = NO_ASSIGNMENT;
  /** Has not been part of a generation yet. */
  isNew = true;
  /** Its join or sync that waits for an answer. */
  joinTicket: Ticket | undefined;
  syncTicket: Ticket | undefined;

  constructor(
    readonly memberId: string,
    public facts: MemberFacts,
  ) {}

  get isStatic(): boolean {
    return this.facts.groupInstanceId !== null;
  }

  get hasJoined(): boolean {
    return this.joinTicket !== undefined;
  }

  get isParked(): boolean {
    return this.joinTicket !== undefined || this.syncTicket !== undefined;
  }

  metadataFor(protocolName: string | null): Buffer {
    return this.facts.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_ASSIGNMENT;
  }

  supports(protocolName: string): boolean {
    return this.facts.protocols.some(({ name }) => name === protocolName);
  }

  toStored(protocolName: string | null): StoredMember {
    const { groupInstanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = this.facts;
    return {
      memberId: this.memberId,
      groupInstanceId,
      clientId,
      clientHost,
      rebalanceTimeoutMs,
      sessionTimeoutMs,
      subscription: this.metadataFor(protocolName),
      assignment: this.assignment,
    };
  }

  static restored(stored: StoredMember, protocolName: string | null): GroupMember {
    // Only the chosen protocol was stored: until its next join that is the only one the member is known to support.
    const protocols = protocolName === null ? [] : [{ name: protocolName, metadata: stored.subscription }];
    const { memberId, groupInstanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = stored;
    const facts = { groupInstanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols };
    const member = new GroupMember(memberId, facts);
    member.isNew = false;
    return member;
  }
}

export function factsOf(request: JoinRequest): MemberFacts {
  const { groupInstanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols } = request;
  return { groupInstanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols };
}

export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length && a.every(({ name, metadata }, i) => name === b[i]!.name && metadata.equals(b[i]!.metadata))
  );
}
