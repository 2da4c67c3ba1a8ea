import { type Command } from 'commander';

// Options of commands that talk to a cluster.

export const WHERE = `
Without -b the servers are those of application.properties, of KAFKA_BOOTSTRAP_SERVERS, or the broker that runs in this
folder (./.nestdaw/data), else 127.0.0.1:9092.`;

export function addConnectOptions(command: Command): Command {
  return command
    .option('-b, --bootstrap-servers <list>', 'the cluster, host:port')
    .option('-C, --cwd <folder>', 'folder of application.properties', process.cwd())
    .option('-p, --profile <names>', 'profiles to be active')
    .option('--connection <name>', 'a named connection of the configuration');
}
