import { ListGroups } from '../../protocol/messages/16-list-groups.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { defineHandler } from '../network/handler.js';

// ListGroups 0–5
//
// Names in filters are compared without regard to case; one that nobody knows matches nothing.
// Versions
//   1 throttle time (KIP-124) · 3 flexible · 4 state and its filter (KIP-518) · 5 type and its filter (KIP-848)

export const listGroupsHandler = (groups: GroupCoordinator) =>
  defineHandler<typeof ListGroups>({
    api: ListGroups,
    minVersion: 0,
    maxVersion: 5,
    handle({ statesFilter, typesFilter }) {
      const { errorCode, groups: all } = groups.list();
      const listed = all.filter(
        ({ groupState, groupType }) => passes(statesFilter, groupState) && passes(typesFilter, groupType),
      );
      return { errorCode, groups: listed };
    },
    errorResponse: (_request, errorCode) => ({ errorCode, groups: [] }),
  });

function passes(filter: readonly string[], name: string): boolean {
  return filter.length === 0 || filter.some((wanted) => wanted.toLowerCase() === name.toLowerCase());
}
