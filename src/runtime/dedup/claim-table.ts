import { type Claim } from './claim.js';
import { type IdGroup } from './dedup-store.js';

// The claims of a listener by scope and id, from the question until the store knows how they ended: within one process
// nobody has to ask the store about them.

export class ClaimTable {
  readonly #scopes = new Map<string, Map<string, Claim>>();

  /** The claim on the same id, if somebody here has one. */
  holderOf({ scope, id }: Claim): Claim | undefined {
    return this.#scopes.get(scope)?.get(id);
  }

  set(claim: Claim): void {
    let ids = this.#scopes.get(claim.scope);
    if (ids === undefined) {
      ids = new Map();
      this.#scopes.set(claim.scope, ids);
    }
    ids.set(claim.id, claim);
  }

  /** Removes the claim unless another one has taken its place. */
  delete(claim: Claim): void {
    const ids = this.#scopes.get(claim.scope);
    if (ids?.get(claim.id) === claim) ids.delete(claim.id);
  }

  /** Claims that the store holds for us. */
  held(): Claim[] {
    const all = [...this.#scopes.values()].flatMap((claims) => [...claims.values()]);
    return all.filter(({ state }) => state === 'first' || state === 'finished');
  }

  get isEmpty(): boolean {
    for (const claims of this.#scopes.values()) if (claims.size > 0) return false;
    return true;
  }
}

export interface ClaimGroup extends IdGroup {
  readonly ids: string[];
  readonly claims: Claim[];
}

/** By scope and partition, in the order of their first ones. */
export function groupsOf(claims: readonly Claim[]): ClaimGroup[] {
  const groups: ClaimGroup[] = [];
  let last: ClaimGroup | undefined;
  for (const claim of claims) {
    if (last === undefined || !fits(last, claim)) {
      last = groups.find((group) => fits(group, claim));
      if (last === undefined) {
        const { scope, record } = claim;
        last = { scope, topic: record.topic, partition: record.partition, ids: [], claims: [] };
        groups.push(last);
      }
    }
    last.ids.push(claim.id);
    last.claims.push(claim);
  }
  return groups;
}

function fits(group: ClaimGroup, { scope, record }: Claim): boolean {
  return group.partition === record.partition && group.scope === scope && group.topic === record.topic;
}
