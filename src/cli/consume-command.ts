import { Command, InvalidArgumentError, Option } from 'commander';
import { addConnectOptions, WHERE } from './connect-options.js';
import { type ConsumeOptions } from './consume-options.js';

// `nestdaw consume`: what is in a topic. What it works with is loaded when it is asked for.

export function consumeCommand(): Command {
  return addConnectOptions(new Command('consume'))
    .description('Print the records of a topic, from its beginning to where it ends now. No group is involved.')
    .requiredOption('-t, --topic <name>', 'the topic')
    .addOption(new Option('--partition <number>', 'only this partition').argParser(whole))
    .addOption(new Option('--offset <number>', 'begin at this offset').argParser(whole))
    .addOption(new Option('-n, --limit <count>', 'print at most so many').argParser(whole))
    .addOption(
      new Option('--formatter <name>', 'plain: key and value · offsets: what groups have committed')
        .choices(['plain', 'offsets'])
        .default('plain'),
    )
    .option('--json', 'for programs: one JSON object a line', false)
    .addHelpText(
      'after',
      `
--formatter offsets is for the topic __consumer_offsets, as Kafka's OffsetsMessageFormatter: a line for each commit, with
group, topic, partition, offset and times. The last line of a group's partition is the one that counts.

Examples:
  nestdaw consume --topic orders --limit 10
  nestdaw consume --topic __consumer_offsets --formatter offsets
${WHERE}`,
    )
    .action(async (options: ConsumeOptions) => (await import('./consume-actions.js')).consume(options));
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('Give a whole number of at least 0.');
  return value;
}
