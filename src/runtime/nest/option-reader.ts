import { type Environment, PlaceholderError } from '../config/environment.js';
import { parseDataSize, parseDuration, parseInteger } from '../config/formats.js';
import { type Mistake } from '../config/mistakes.js';

/** Reads one option of a decorator after the other; each mistake is reported with the option's name and value. */
export class OptionReader {
  constructor(
    readonly where: string,
    readonly environment: Environment,
    readonly mistakes: Mistake[],
  ) {}

  text(option: string, value: string | undefined): string | undefined {
    if (value === undefined) return undefined;
    if (typeof value !== 'string') {
      this.mistake(option, String(value), 'not text; give a string');
      return undefined;
    }
    try {
      return this.environment.resolvePlaceholders(value);
    } catch (error) {
      if (!(error instanceof PlaceholderError)) throw error;
      this.mistake(option, value, error.message);
      return undefined;
    }
  }

  parsed<T>(
    option: string,
    value: T | string | undefined,
    parse: (text: string) => T | undefined,
    allowed: string,
  ): T | undefined {
    if (value === undefined) return undefined;
    const text = this.text(option, String(value));
    if (text === undefined) return undefined;
    const result = parse(text.trim());
    if (result === undefined) this.mistake(option, text, `not allowed; allowed: ${allowed}`);
    return result;
  }

  whole(option: string, value: number | string | undefined, max: number): number | undefined {
    const inRange = (text: string) => {
      const number = parseInteger(text);
      return number !== undefined && number >= 1 && number <= max ? number : undefined;
    };
    return this.parsed(option, value, inRange, `a whole number from 1 to ${max}`);
  }

  dataSize(option: string, value: number | string | undefined): number | undefined {
    const positive = (text: string) => {
      const bytes = parseDataSize(text);
      return bytes !== undefined && bytes >= 1 ? bytes : undefined;
    };
    return this.parsed(option, value, positive, 'a size of at least 1 byte, such as 64MB, 512KB or a number of bytes');
  }

  duration(option: string, value: number | string | undefined): number | undefined {
    const positive = (text: string) => {
      const ms = parseDuration(text);
      return ms !== undefined && ms >= 1 ? ms : undefined;
    };
    return this.parsed(option, value, positive, 'a duration of at least 1 ms, such as 30s or 500ms');
  }

  mistake(option: string, value: string | undefined, problem: string): void {
    this.mistakes.push({ origin: this.where, key: option, ...(value === undefined ? {} : { value }), problem });
  }
}
