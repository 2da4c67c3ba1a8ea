import { type DeadLetter, ownHeaders } from '../runtime/dead-letters/dead-letter.js';
import { textOf, timeOf } from './record-text.js';

// Dead letters as lines for people and as JSON for programs.

const WIDTH = 120;
const CLASS_WIDTH = 28;

/** One line a letter: when, id, key, error. */
export function letterTable(letters: readonly DeadLetter[], withState: boolean): string {
  const rows = letters.map((letter) => [
    timeOf(letter.timestamp),
    letter.id,
    ...(withState ? [letter.state] : []),
    shortened(textOf(letter.key) ?? '(none)', 20),
    shortened(errorOf(letter), CLASS_WIDTH),
    oneLine(letter.exception.message ?? ''),
  ]);
  const head = ['TIME', 'ID', ...(withState ? ['STATE'] : []), 'KEY', 'ERROR', 'MESSAGE'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    shortened(
      cells
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
      Math.max(WIDTH, process.stdout.columns ?? 0),
    );
  return [line(head), ...rows.map(line)].join('\n');
}

/** Everything about one letter. */
export function letterPage(letter: DeadLetter): string {
  const { original, exception, attempts } = letter;
  const from =
    original.topic === undefined ? '(not known)' : `${original.topic}-${original.partition}@${original.offset}`;
  const when = original.timestamp === undefined ? '' : `, written ${timeOf(original.timestamp)}`;
  const facts: Array<readonly [string, string | undefined]> = [
    ['id', letter.id],
    ['state', letter.state],
    ['since', timeOf(letter.timestamp)],
    ['from', `${from}${when}`],
    ['group', original.consumerGroup],
    ['deliveries', attempts?.toString()],
    [
      'error',
      [exception.name, exception.cause === exception.name ? undefined : exception.cause]
        .filter(Boolean)
        .join(', caused by '),
    ],
    ['message', exception.message],
    ['key', textOf(letter.key) ?? '(none)'],
  ];
  const lines = facts.flatMap(([name, value]) => (value ? [`${name.padEnd(11)} ${value}`] : []));
  const headers = ownHeaders(letter.headers).map(({ key, value }) => `  ${key}: ${textOf(value) ?? '(null)'}`);
  return [
    ...lines,
    ...(headers.length > 0 ? ['headers', ...headers] : []),
    'payload',
    indented(payloadOf(letter.value)),
    ...(exception.stacktrace ? ['stack', indented(exception.stacktrace)] : []),
  ].join('\n');
}

/** For programs: text where it is text, base64 where it is not. */
export function jsonOf(letter: DeadLetter): object {
  const { key, value, headers, timestamp, ...rest } = letter;
  return {
    ...rest,
    timestamp: new Date(timestamp).toISOString(),
    key: textOf(key),
    value: textOf(value),
    headers: Object.fromEntries(ownHeaders(headers).map((header) => [header.key, textOf(header.value)])),
  };
}

function errorOf({ exception }: DeadLetter): string {
  // Spring wraps what listeners throw: the first cause says more.
  const name = exception.cause ?? exception.name ?? '(not known)';
  return name.slice(name.lastIndexOf('.') + 1);
}

function payloadOf(value: Buffer | null): string {
  const text = textOf(value);
  if (text === null) return '(none: a tombstone)';
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function shortened(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
