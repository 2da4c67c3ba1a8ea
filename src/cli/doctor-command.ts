import { Command } from 'commander';
import { addConnectOptions, WHERE } from './connect-options.js';
import { type DoctorOptions } from './doctor/doctor.js';

// `nestdaw doctor`. What it works with is loaded when it is asked for.

export function doctorCommand(): Command {
  return addConnectOptions(new Command('doctor'))
    .description('Look for what loses records: in the configuration in force, and in the cluster that it names.')
    .argument(
      '[words...]',
      'only checks whose name or area contains one of these; after -- arguments of the application',
    )
    .option('-f, --file <file>', 'a file instead of application.properties')
    .option('-t, --topic <names...>', 'only these topics, instead of all')
    .option('--accept <checks...>', 'checks that may fail: they are told, and do not count')
    .option('-a, --all', 'also every topic and node that passes', false)
    .option('--json', 'for programs: one JSON object', false)
    .addHelpText(
      'after',
      `
Reads what nestdaw config reads, asks the cluster about its nodes and topics, and answers a list of questions: each with
the key or topic, the value and where it comes from, why it matters, and what to do. It changes nothing. Areas: basis,
loss (eight points), sending, sizes, cluster.

  FAIL             what is asked for does not hold
  RISK             it holds until something else goes wrong
  not known        the cluster did not tell
  not on one node  copies on several nodes, on a broker that is one node on purpose
  not used         nobody asked for it

What the application says in its code, in decorators and in KafkaModule.forRoot(), is not seen here.

Examples:
  nestdaw doctor                              everything, of every connection
  nestdaw doctor -p prod -b kafka-1:9092      the profile prod, and that cluster
  nestdaw doctor loss                         the eight points alone
  nestdaw doctor sizes -t orders payments     which limit a large record meets first
  nestdaw doctor --accept replication-factor  for a cluster that is to have two copies
  nestdaw doctor --json | jq '.connections[].checks[] | select(.verdict == "fail")'
${WHERE}

Exit code 0: nothing failed that was not accepted. 1: something did, or the question could not be asked.`,
    )
    .action(async (words: readonly string[], options: DoctorOptions) => {
      const { doctor } = await import('./doctor/doctor.js');
      await doctor(words, options);
    });
}
