import { NestdawError } from '../common/errors.js';
import { DEAD_LETTER_STATES, type DeadLetter } from '../runtime/dead-letters/dead-letter.js';
import { type DeadLetterFilter } from '../runtime/dead-letters/dead-letter-filter.js';
import { type DeadLetterSelection, DeadLetters, type ReplayTarget } from '../runtime/dead-letters/dead-letters.js';
import { deadLetterStore } from '../runtime/nest/connection/dead-letter-store.js';
import { withConnection } from './connect.js';
import { type FilterOptions, type ReplayCommandOptions } from './dlt-options.js';
import { jsonOf, letterPage, letterTable } from './dlt-output.js';

// What `nestdaw dlt` does.

export function list(options: FilterOptions): Promise<void> {
  return withLetters(options, async (letters) => {
    const states = options.all ? DEAD_LETTER_STATES : undefined;
    const found = await letters.list({ ...filterOf(options), ...(states ? { states } : {}) });
    const shown = found.slice(0, options.limit);
    if (options.json) {
      for (const letter of shown) console.log(JSON.stringify(jsonOf(letter)));
      return;
    }
    if (found.length === 0) {
      console.log('No dead letters.');
      return;
    }
    console.log(letterTable(shown, options.all ?? false));
    const more = found.length - shown.length;
    console.log(
      `\n${found.length} dead letter${found.length === 1 ? '' : 's'}${more > 0 ? `, ${more} not shown (--limit)` : ''}.`,
    );
    console.log(`One of them in full: nestdaw dlt show ${shown[0]!.id}`);
  });
}

export function show(id: string, options: FilterOptions): Promise<void> {
  return withLetters(options, async (letters) => {
    const letter = await letters.show(id);
    console.log(options.json ? JSON.stringify(jsonOf(letter), null, 2) : letterPage(letter));
  });
}

export function replay(ids: readonly string[], options: ReplayCommandOptions): Promise<void> {
  const selection = selectionOf(ids, options);
  return withLetters(options, async (letters) => {
    if (options.dryRun) {
      const states = options.again ? DEAD_LETTER_STATES : (['waiting'] as const);
      const found = await letters.select(selection, states);
      preview(
        found.filter(({ state }) => states.some((one) => one === state)),
        'would be replayed',
      );
      return;
    }
    const stop = new AbortController();
    const onSignal = () => stop.abort();
    process.once('SIGINT', onSignal);
    const report = await letters.replay(selection, {
      to: targetOf(options.to),
      again: options.again ?? false,
      ...(options.rate === undefined ? {} : { rate: options.rate }),
      signal: stop.signal,
      onReplayed: ({ id }, { topic, partition, offset }) => console.log(`${id} → ${topic}-${partition}@${offset}`),
    });
    process.removeListener('SIGINT', onSignal);
    const skipped =
      report.skipped > 0 ? `, ${report.skipped} skipped: replayed or dropped before, or being replayed` : '';
    console.log(`${report.replayed} replayed${skipped}.`);
    if (stop.signal.aborted) process.exitCode = 130;
  });
}

export function drop(ids: readonly string[], options: ReplayCommandOptions): Promise<void> {
  const selection = selectionOf(ids, options);
  return withLetters(options, async (letters) => {
    if (options.dryRun) preview(await letters.select(selection), 'would be dropped');
    else console.log(`${await letters.drop(selection)} dropped.`);
  });
}

function preview(found: readonly DeadLetter[], what: string): void {
  if (found.length > 0) console.log(letterTable(found, false));
  console.log(`${found.length > 0 ? '\n' : ''}${found.length} ${what}.`);
}

/** Ids or filters, and never everything by a slip. */
function selectionOf(ids: readonly string[], options: ReplayCommandOptions): DeadLetterSelection {
  if (ids.length > 0) return ids;
  const filter = filterOf(options);
  if (Object.keys(filter).length === 0 && !options.everything) {
    throw new NestdawError('KAFKA_CONFIG_INVALID', 'which ones? Give ids or filters, or --everything');
  }
  return filter;
}

function filterOf({ topic, from, group, exception, key, header, since, until }: FilterOptions): DeadLetterFilter {
  const [name, ...value] = header?.split('=') ?? [];
  const parts = {
    topics: topic,
    originalTopics: from,
    group,
    exception,
    key,
    since,
    until,
    header: name === undefined ? undefined : { name, value: value.length > 0 ? value.join('=') : undefined },
  };
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined));
}

function targetOf(to: string): ReplayTarget {
  return to === 'topic' || to === 'listener' ? to : { topic: to };
}

function withLetters(options: FilterOptions, run: (letters: DeadLetters) => Promise<void>): Promise<void> {
  return withConnection(options, (connection) => run(new DeadLetters({ store: deadLetterStore(connection) })));
}
