import { filter, Observable } from 'rxjs';
import { type ContainerEvent } from '../../listener/container-events.js';
import { type ContainerRegistry, type ListenerEvent } from '../../listener/container-registry.js';

// Events of listener containers as an observable.

type EventOf<T extends ContainerEvent['type']> = Extract<ListenerEvent, { readonly type: T }>;

/** What happens in the listeners of an application; injectable. The decorator `@OnContainerEvent` is the other way. */
export class KafkaListenerEvents {
  /** Every event of every container, from the moment of subscribing. */
  readonly all: Observable<ListenerEvent>;

  constructor(registry: ContainerRegistry) {
    this.all = new Observable((subscriber) => registry.onEvent((event) => subscriber.next(event)));
  }

  /** Events of some types, of one listener or of all. */
  of<T extends ContainerEvent['type']>(types: T | readonly T[], listener?: string): Observable<EventOf<T>> {
    const wanted = new Set<string>(typeof types === 'string' ? [types] : types);
    return this.all.pipe(
      filter((event): event is EventOf<T> => {
        return wanted.has(event.type) && (listener === undefined || event.listener === listener);
      }),
    );
  }
}
