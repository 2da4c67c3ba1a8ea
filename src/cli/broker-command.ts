import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { type Logger } from '../common/logger.js';

// `nestdaw broker`: a broker alone in its process, until SIGTERM or Ctrl+C.

const DEFAULT_DATA_DIR = './.nestdaw/data';
/** Threads for fsync and for removing files: as many as the log has fsyncs under way at once. */
const FILE_THREADS = '32';

interface Options {
  readonly port?: number;
  readonly host?: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly override: Record<string, string>;
  readonly verbose: boolean;
}

export function brokerCommand(): Command {
  return new Command('broker')
    .description('Run a Kafka broker in this terminal: real protocol, real files, one node.')
    .option(
      '-p, --port <number>',
      'port to listen on; 0 takes any free one (default: listeners, else 9092)',
      portNumber,
    )
    .option('--host <address>', 'address to listen on and to tell clients (default: listeners, else 127.0.0.1)')
    .option('-d, --data-dir <folder>', 'where topics are stored (default: log.dirs, else ./.nestdaw/data)')
    .option('-c, --config <file>', "a server.properties with Kafka's own key names")
    .option('-o, --override <key=value>', 'one broker setting; may be repeated', keyValue, {})
    .option('-v, --verbose', 'say more', false)
    .addHelpText(
      'after',
      `
Examples:
  nestdaw broker                                     on 127.0.0.1:9092, data in ./.nestdaw/data
  nestdaw broker --port 0 --data-dir /var/lib/kafka  any free port, printed when ready
  nestdaw broker -o num.partitions=12                topics made on demand get twelve partitions

Every Kafka client and tool works with it:
  kcat -b 127.0.0.1:9092 -L
  echo hello | kcat -b 127.0.0.1:9092 -P -t greetings
  kcat -b 127.0.0.1:9092 -C -t greetings -e`,
    )
    .action(run);
}

async function run({ port, host, dataDir, config, override, verbose }: Options): Promise<void> {
  // fsyncs of several partitions share the device's next commit only when they are under way together. Read by the
  // system when the first of them starts.
  process.env.UV_THREADPOOL_SIZE ??= FILE_THREADS;
  const file = config === undefined ? {} : await settingsOf(config);
  const settings = { ...file, ...override };
  const configured = settings['log.dirs'] ?? settings['log.dir'];
  const folder = dataDir ?? (configured === undefined ? DEFAULT_DATA_DIR : undefined);
  const { Broker } = await import('../broker/broker.js');
  const broker = await Broker.start({
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
    ...(folder === undefined ? {} : { dataDir: folder }),
    config: settings,
    logger: terminalLogger(verbose),
  });
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    broker.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Whoever reads this line may stop us at once: the handlers stand by then.
  console.log(`Broker ready on ${broker.bootstrapServers}, data in ${folder ?? configured} (Ctrl+C stops it)`);
}

async function settingsOf(file: string): Promise<Record<string, string>> {
  const { parseProperties } = await import('../runtime/config/sources/properties-file.js');
  return parseProperties(readFileSync(file, 'utf8'), file);
}

function terminalLogger(verbose: boolean): Logger {
  const print = (message: string): void => console.error(message);
  const quiet = (): void => undefined;
  return { debug: quiet, log: verbose ? print : quiet, warn: print, error: print };
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('a port is 0 to 65535');
  return port;
}

function keyValue(text: string, before: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('write key=value, for example num.partitions=12');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
