import { Properties } from 'properties-file/parser';
import { messageOf } from '../../common/errors.js';
import { type Mistake, throwIfAny } from './mistakes.js';
import { MapPropertySource, type PropertyEntry, type PropertySource } from './property-source.js';

// The text of an application.properties, by Java's rules (escapes, continuation lines, the last of equal keys wins),
// read as UTF-8. Every entry remembers its line.

/** Entries of the file; text that no rule can read is a mistake with its line, the rest is read all the same. */
export function readPropertiesText(file: string, text: string, mistakes: Mistake[]): PropertySource {
  const entries: PropertyEntry[] = [];
  try {
    for (const { key, value, startingLineNumber } of new Properties(text).getProperties()) {
      entries.push({ key: withoutListMark(key), value, origin: `${file}:${startingLineNumber}` });
    }
  } catch (error) {
    mistakes.push({ origin: `${file}${lineOfBadEscape(text)}`, problem: malformed(error) });
  }
  return new MapPropertySource(file, entries);
}

/** A properties file as plain names and values, for files of other programs. Throws KAFKA_CONFIG_INVALID. */
export function parseProperties(text: string, file = 'properties'): Record<string, string> {
  const mistakes: Mistake[] = [];
  const source = readPropertiesText(file, text, mistakes);
  throwIfAny(mistakes);
  return Object.fromEntries(Array.from(source.entries(), ({ key, value }) => [key, value]));
}

/** `a[]=x,y` is short for `a=x,y`. */
function withoutListMark(key: string): string {
  return key.endsWith('[]') ? key.slice(0, -2) : key;
}

function malformed(error: unknown): string {
  return `cannot be read (${messageOf(error)}): after \\u exactly four hexadecimal digits are expected; write \\\\ for a backslash`;
}

/** The parser throws without a line: find the first escape that is not one. */
function lineOfBadEscape(text: string): string {
  const lines = text.split(/\r\n|\r|\n/);
  const at = lines.findIndex((line) => /(?<!\\)(?:\\\\)*\\u(?![0-9a-fA-F]{4})/.test(line));
  return at === -1 ? '' : `:${at + 1}`;
}
