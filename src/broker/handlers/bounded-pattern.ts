import { runInNewContext } from 'node:vm';

// A client's regular expression. Kafka's engine takes time in proportion to the text; the one of this language can be
// led into taking for ever, so it runs under a limit.

const LIMIT_MS = 200;

/** Those of `texts` that match as a whole; undefined when the pattern is none, or takes too long. */
export function wholeMatches(pattern: string, texts: readonly string[]): ReadonlySet<string> | undefined {
  try {
    const whole = new RegExp(`^(?:${pattern})$`);
    const found: string = runInNewContext(
      'JSON.stringify(JSON.parse(texts).filter((text) => whole.test(text)))',
      { whole, texts: JSON.stringify(texts) },
      { timeout: LIMIT_MS },
    );
    return new Set<string>(JSON.parse(found));
  } catch {
    return undefined;
  }
}
