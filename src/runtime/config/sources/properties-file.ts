import { Properties, type PropertiesNode, PropertiesNodeType, type PropertyNode } from 'properties-file/parser';
import { messageOf } from '../../../common/errors.js';
import { type Mistake, throwIfAny } from '../mistakes.js';
import { type PropertyEntry } from './property-source.js';

// The text of an application.properties, by Java's rules (escapes, continuation lines, the last of equal keys wins),
// read as UTF-8. Every entry remembers line and column of its value. `#---` begins another document.

/** The file's documents, top to bottom; text that no rule can read is a mistake with its line. */
export function readPropertiesText(file: string, text: string, mistakes: Mistake[]): PropertyEntry[][] {
  try {
    const documents: PropertyEntry[][] = [[]];
    const { nodes } = new Properties(text);
    nodes.forEach((node, index) => {
      if (isSeparator(nodes, index)) documents.push([]);
      else if (node.type === PropertiesNodeType.PROPERTY) documents.at(-1)!.push(entryOf(file, node));
    });
    return documents;
  } catch (error) {
    mistakes.push({ origin: `${file}${placeOfBadEscape(text)}`, problem: malformed(error) });
    return [];
  }
}

/** A properties file as plain names and values, for files of other programs. Throws KAFKA_CONFIG_INVALID. */
export function parseProperties(text: string, file = 'properties'): Record<string, string> {
  const mistakes: Mistake[] = [];
  const entries = readPropertiesText(file, text, mistakes).flat();
  throwIfAny(mistakes);
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]));
}

/** Exactly `#---` or `!---`, and no comment of the same mark directly before or after it. */
function isSeparator(nodes: readonly PropertiesNode[], index: number): boolean {
  const mark = separatorMark(nodes[index]);
  const isComment = (node: PropertiesNode | undefined) =>
    node?.type === PropertiesNodeType.COMMENT && node.delimiter === mark && separatorMark(node) === undefined;
  return mark !== undefined && !isComment(nodes[index - 1]) && !isComment(nodes[index + 1]);
}

function separatorMark(node: PropertiesNode | undefined): string | undefined {
  if (node?.type !== PropertiesNodeType.COMMENT || node.leadingWhitespace !== '') return undefined;
  return node.body.trimEnd() === '---' ? node.delimiter : undefined;
}

function entryOf(file: string, node: PropertyNode): PropertyEntry {
  const { line, column } = placeOfValue(node);
  return { key: withoutListMark(node.key), value: node.value, origin: `${file}:${line}:${column}` };
}

/** Where the value begins; after a continuation that is a later line. */
function placeOfValue(node: PropertyNode): { readonly line: number; readonly column: number } {
  let left =
    node.escapedKey.length +
    node.separatorLeading.length +
    (node.separatorChar?.length ?? 0) +
    node.separatorTrailing.length;
  const last = node.rawLines.length - 1;
  for (let at = 0; ; at++) {
    const raw = node.rawLines[at]!;
    const indent = raw.length - raw.trimStart().length;
    // All but the last line end with the backslash that continues them.
    const length = raw.length - indent - (at < last ? 1 : 0);
    if (left < length || at === last) return { line: node.startingLineNumber + at, column: indent + left + 1 };
    left -= length;
  }
}

/** `a[]=x,y` is short for `a=x,y`. */
function withoutListMark(key: string): string {
  return key.endsWith('[]') ? key.slice(0, -2) : key;
}

function malformed(error: unknown): string {
  return `cannot be read (${messageOf(error)}): after \\u exactly four hexadecimal digits are expected; write \\\\ for a backslash`;
}

/** The parser throws without a line: find the first escape that is not one. */
function placeOfBadEscape(text: string): string {
  const lines = text.split(/\r\n|\r|\n/);
  for (const [index, line] of lines.entries()) {
    const found = /(?<!\\)(?:\\\\)*\\u(?![0-9a-fA-F]{4})/.exec(line);
    if (found) return `:${index + 1}:${found.index + found[0].length - 1}`;
  }
  return '';
}
