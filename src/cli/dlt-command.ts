import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../common/clock.js';
import { parseDecimal, parseDuration } from '../runtime/config/formats.js';
import { addConnectOptions, WHERE } from './connect-options.js';
import { type FilterOptions, type ReplayCommandOptions } from './dlt-options.js';

// `nestdaw dlt`: dead letters in the terminal. What it works with is loaded when it is asked for.

const FILTERS = `
Filters, all of which must hold:
  --exception TimeoutError          class of the error or of its cause, or a part of the message
  --key ada --group billing         the record's key, the group that could not handle it
  --header tenant=acme              a header's value; --header tenant: that there is one
  --since 2h --until 10m            when it became a dead letter: ago, or a time such as 2026-11-21T08:00Z
  --topic orders-dlt --from orders  its dead-letter topic, the topic that it first failed in`;

export function dltCommand(): Command {
  return new Command('dlt')
    .description('Dead letters: records that no delivery could get handled. List, show, replay, drop.')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(replayCommand())
    .addCommand(dropCommand())
    .addHelpText(
      'after',
      `
A dead letter is a record in a topic whose name ends with -dlt, with headers that say where it came from and what went
wrong, as @RetryableTopic, deadLetters: true, and Spring for Apache Kafka write them. Replayed and dropped letters stay
in their topic; what was done about them is kept in the topic nestdaw-dead-letters, so that none is replayed twice.

A day with dead letters:
  nestdaw dlt list                                     what is there, and why
  nestdaw dlt show orders-dlt-0@15                     one of them: payload, headers, stack
  nestdaw dlt replay orders-dlt-0@15                   try whether the fix works
  nestdaw dlt replay --exception TimeoutError --rate 50
  nestdaw dlt drop --exception ValidationError --since 1d
${WHERE}`,
    );
}

function listCommand(): Command {
  return filters(new Command('list'))
    .alias('ls')
    .description('Print the dead letters that nobody has dealt with, oldest first.')
    .option('-a, --all', 'also those that were replayed or dropped', false)
    .addOption(new Option('-n, --limit <count>', 'print at most so many').argParser(count).default(50))
    .option('--json', 'for programs: one JSON object a line', false)
    .addHelpText('after', `${FILTERS}\n${WHERE}`)
    .action(async (options: FilterOptions) => (await actions()).list(options));
}

function showCommand(): Command {
  return addConnectOptions(new Command('show'))
    .description('Print one dead letter: where it came from, what went wrong, its headers and payload.')
    .argument('<id>', 'as list prints it: orders-dlt-0@15')
    .option('--json', 'for programs: one JSON object', false)
    .addHelpText('after', `\nExample:\n  nestdaw dlt show orders-dlt-0@15\n${WHERE}`)
    .action(async (id: string, options: FilterOptions) => (await actions()).show(id, options));
}

function replayCommand(): Command {
  return filters(new Command('replay'))
    .description('Send dead letters again, each once, oldest first.')
    .argument('[ids...]', 'as list prints them; instead of filters')
    .option(
      '--to <where>',
      'topic: the one it failed in · listener: only the group that failed · or the name of a topic',
      'topic',
    )
    .addOption(new Option('--rate <number>', 'records a second, at most').argParser(rate))
    .option('--again', 'also those that were replayed or dropped before', false)
    .option('--dry-run', 'only print what would be sent', false)
    .option('--everything', 'every dead letter there is, where no filter says which', false)
    .addHelpText(
      'after',
      `
The record goes out as it was before it failed, with the header nestdaw_replay-of. --to topic lets every group read it
again; --to listener sends it to the first retry topic, which only the group reads that could not handle it. A letter is
claimed before it is sent: two that replay at once do not send it twice. Should this process die in between, the letter
is listed as replaying, and --again takes it.
${FILTERS}

Examples:
  nestdaw dlt replay orders-dlt-0@15 orders-dlt-2@7
  nestdaw dlt replay --exception TimeoutError --rate 50 --dry-run
  nestdaw dlt replay --from orders --since 2h --to listener
${WHERE}`,
    )
    .action(async (ids: string[], options: ReplayCommandOptions) => (await actions()).replay(ids, options));
}

function dropCommand(): Command {
  return filters(new Command('drop'))
    .description('Mark dead letters as dealt with: they are neither listed nor replayed any more.')
    .argument('[ids...]', 'as list prints them; instead of filters')
    .option('--dry-run', 'only print what would be marked', false)
    .option('--everything', 'every dead letter there is, where no filter says which', false)
    .addHelpText(
      'after',
      `
Their topics keep them until its retention ends; list --all shows them, and replay --again sends them all the same.
${FILTERS}

Example:
  nestdaw dlt drop --exception ValidationError --until 7d
${WHERE}`,
    )
    .action(async (ids: string[], options: ReplayCommandOptions) => (await actions()).drop(ids, options));
}

function filters(command: Command): Command {
  return addConnectOptions(command)
    .option('-t, --topic <names...>', 'dead-letter topics (default: all that end with -dlt)')
    .option('--from <names...>', 'topics that they first failed in')
    .option('-g, --group <name>', 'consumer group that could not handle them')
    .option('-e, --exception <name>', 'class of the error, or a part of its message')
    .option('-k, --key <text>', "the record's key")
    .option('--header <name[=value]>', 'a header that they have')
    .addOption(new Option('--since <time>', 'not older than this: 2h, or a time').argParser(moment))
    .addOption(new Option('--until <time>', 'older than this').argParser(moment));
}

function actions() {
  return import('./dlt-actions.js');
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Give a whole number of at least 1.');
  return value;
}

function rate(text: string): number {
  const value = parseDecimal(text);
  if (value === undefined || value <= 0) throw new InvalidArgumentError('Give a number of records a second, above 0.');
  return value;
}

/** `2h` is two hours ago; else a time as ISO 8601 writes it. Ms since the epoch. */
function moment(text: string): number {
  const ago = parseDuration(text);
  if (ago !== undefined) return systemClock.now() - ago;
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new InvalidArgumentError('Give a duration such as 2h, or a time such as 2026-11-21T08:00Z.');
  return time;
}
