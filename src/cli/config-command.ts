import { Command } from 'commander';
import { type ConfigOptions } from './config-output.js';

// `nestdaw config`. What it prints with is loaded when it is asked for: the other commands start sooner without.

export function configCommand(): Command {
  return new Command('config')
    .description('Print the configuration in force: every value with the place it comes from, secrets hidden.')
    .argument('[words...]', 'only keys that contain one of these; after -- also arguments of the application')
    .option('-C, --cwd <folder>', 'folder of application.properties and config/', process.cwd())
    .option('-f, --file <file>', 'a file instead of application.properties')
    .option('-p, --profile <names>', 'profiles to be active, instead of spring.profiles.active')
    .option('-c, --changed', 'only what is set somewhere', false)
    .option('-a, --all', 'also keys that have no value', false)
    .option('-k, --keys', 'what each key means, instead of values', false)
    .option('--json', 'for programs: one JSON object', false)
    .addHelpText(
      'after',
      `
Reads what the application would read when it is started in this folder with this environment: application.properties
and application.yml, config/, the files of the active profiles, imports, and KAFKA_… and SPRING_KAFKA_… variables.
What the application gives to KafkaModule.forRoot() in its code is not seen here.

Examples:
  nestdaw config                                  everything that has a value
  nestdaw config consumer --changed               what is set for consumers, with file:line:column
  nestdaw config linger --keys                    what linger.ms means, what is allowed, and its default
  nestdaw config -p prod                          the same application under the profile prod
  nestdaw config -- --kafka.client-id=orders      with an argument that the application would get
  KAFKA_BOOTSTRAP_SERVERS=h:9092 nestdaw config   with a variable
  nestdaw config --json | jq .connections.default

Exit code 0: the application would take it. 1: it would not start; every mistake is listed.`,
    )
    .action(async (words: readonly string[], options: ConfigOptions) => {
      const { printConfiguration } = await import('./config-output.js');
      printConfiguration(words, options);
    });
}
