import { type Logger } from '../../../common/logger.js';
import { type NeededTopic } from '../../client/admin/needed-topics.js';
import { DeadLetterPublishingRecoverer, DLT_SUFFIX } from '../../dead-letters/dead-letter-publishing-recoverer.js';
import { type RecordSender } from '../../dead-letters/record-sender.js';
import { type ContainerSettings } from '../../listener/container-settings.js';
import { defaultErrorHandler, type ErrorHandler } from '../../listener/failures/error-handler.js';
import { type Recoverer } from '../../listener/failures/recoverer.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { type OptionReader } from '../option-reader.js';

// `deadLetters` of a listener: where its failed records go.

export interface DeadLetterParts {
  readonly settings: Partial<ContainerSettings>;
  readonly topics: readonly NeededTopic[];
}

/** @param own the listener's error handler: it says how often, dead letters take the place of the pause at its end */
export function deadLettersOf(
  read: OptionReader,
  given: boolean | string | undefined,
  { topics, assignment }: Pick<ListenerEndpoint, 'topics' | 'assignment'>,
  { template, logger }: { readonly template: RecordSender; readonly logger: Logger },
  own: ErrorHandler | undefined,
): DeadLetterParts {
  const text = typeof given === 'string' ? read.text('deadLetters', given)?.trim() : given;
  if (text === undefined || text === false || text === 'false' || text === '') return { settings: {}, topics: [] };
  const named = text === true || text === 'true' ? undefined : text;
  if (named !== undefined && topics.includes(named)) {
    read.mistake('deadLetters', named, 'is a topic that the listener reads, its dead letters would come back for ever');
  }
  const recoverer = new DeadLetterPublishingRecoverer(template, {
    logger,
    ...(named === undefined ? {} : { destination: (record) => ({ topic: named, partition: record.partition }) }),
  });
  const listed = typeof assignment === 'object' ? assignment.map(({ topic }) => topic) : [];
  const needed = [...new Set([...topics, ...listed])].map((topic) => ({
    name: named ?? `${topic}${DLT_SUFFIX}`,
    as: topic,
  }));
  const errorHandler = own === undefined ? defaultErrorHandler({ recoverer }) : recoveringInstead(own, recoverer);
  return { settings: { errorHandler }, topics: needed };
}

/** What the user wished otherwise, to skip or to stop, stands. */
function recoveringInstead(own: ErrorHandler, recoverer: Recoverer): ErrorHandler {
  return (failure) => {
    const decision = own(failure);
    return decision.action === 'pause-partition' ? { action: 'recover', recoverer, attemptAfterFailure: 1 } : decision;
  };
}
