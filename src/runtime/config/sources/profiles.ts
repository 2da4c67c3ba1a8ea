import { type Environment } from '../environment.js';
import { parseList } from '../formats.js';
import { type Mistake } from '../mistakes.js';

// Which profiles are active, and whether a condition such as `prod & !eu` holds for them.

export const PROFILE_KEYS = {
  active: 'spring.profiles.active',
  default: 'spring.profiles.default',
  include: 'spring.profiles.include',
  group: 'spring.profiles.group',
  validate: 'spring.profiles.validate',
} as const;

const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N}\-_.+@]*[\p{L}\p{N}])?$/u;

export interface Profiles {
  /** Those that were asked for, with what they include; empty when none was. The last one's files win. */
  readonly active: readonly string[];
  /** The active ones, or the default one. */
  readonly accepted: readonly string[];
}

/** `read` gives a property's value with its placeholders filled; it reports what cannot be. */
export function determineProfiles(
  environment: Environment,
  read: (name: string) => string | undefined,
  mistakes: Mistake[],
): Profiles {
  const wanted = [...includedBy(environment), ...namesIn(read(PROFILE_KEYS.active))];
  const active = expand(wanted, (profile) => namesIn(read(`${PROFILE_KEYS.group}.${profile}`)));
  if (read(PROFILE_KEYS.validate)?.trim().toLowerCase() !== 'false') reportNames(active, environment, mistakes);
  return { active, accepted: active.length > 0 ? active : namesIn(read(PROFILE_KEYS.default) ?? 'default') };
}

/** Includes add up over all sources, the highest source's first. */
function includedBy(environment: Environment): string[] {
  return [...environment.sources].reverse().flatMap((source) => {
    const entry = source.get(PROFILE_KEYS.include);
    return entry ? namesIn(environment.resolvePlaceholders(entry.value)) : [];
  });
}

/** Every profile once, each followed by the members of its group. */
function expand(profiles: readonly string[], membersOf: (profile: string) => readonly string[]): string[] {
  const expanded = new Set<string>();
  const visit = (profile: string): void => {
    if (expanded.has(profile)) return;
    expanded.add(profile);
    for (const member of membersOf(profile)) visit(member);
  };
  for (const profile of profiles) visit(profile);
  return [...expanded];
}

function reportNames(profiles: readonly string[], environment: Environment, mistakes: Mistake[]): void {
  for (const profile of profiles.filter((name) => !NAME.test(name))) {
    const problem =
      `"${profile}" is no name of a profile; allowed: letters, digits and - _ . + @ between them ` +
      `(${PROFILE_KEYS.validate}=false lifts the rule)`;
    mistakes.push({ origin: environment.entry(PROFILE_KEYS.active)?.origin ?? 'profiles', problem });
  }
}

function namesIn(text: string | undefined): string[] {
  return parseList(text ?? '').filter((name) => name !== '');
}

/** Why a condition cannot be understood. */
export class ProfileExpressionError extends Error {}

/** Whether one of the expressions (between commas) holds: names, `!`, `&`, `|`, parentheses. */
export function profilesMatch(text: string, profiles: readonly string[]): boolean {
  return parseList(text).some((expression) => {
    const tokens = expression.match(/[()!&|]|[^()!&|\s]+/g) ?? [];
    const parser = new Parser(expression, tokens, new Set(profiles));
    const holds = parser.either();
    if (!parser.isAtEnd) parser.fail();
    return holds;
  });
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly string[];
  readonly #profiles: ReadonlySet<string>;
  #at = 0;

  constructor(text: string, tokens: readonly string[], profiles: ReadonlySet<string>) {
    this.#text = text;
    this.#tokens = tokens;
    this.#profiles = profiles;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  /** A chain of one operator; the two may not be mixed without parentheses, as in Spring. */
  either(): boolean {
    let holds = this.#one();
    let chain: string | undefined;
    while (this.#peek() === '&' || this.#peek() === '|') {
      const operator = this.#next();
      if (chain !== undefined && chain !== operator) this.fail();
      chain = operator;
      const right = this.#one();
      holds = operator === '&' ? holds && right : holds || right;
    }
    return holds;
  }

  fail(): never {
    throw new ProfileExpressionError(
      `"${this.#text}" is no condition; write names of profiles with !, & or |, and parentheses where both occur`,
    );
  }

  #one(): boolean {
    const token = this.#next();
    if (token === '!') return !this.#one();
    if (token === '(') {
      const holds = this.either();
      if (this.#next() !== ')') this.fail();
      return holds;
    }
    if (token === undefined || /^[)&|]$/.test(token)) this.fail();
    return this.#profiles.has(token);
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  #next(): string | undefined {
    return this.#tokens[this.#at++];
  }
}
