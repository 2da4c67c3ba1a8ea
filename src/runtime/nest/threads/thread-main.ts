import { startThread } from '../../threads/thread-side.js';
import { openThreadApplication } from './thread-application.js';

// The file that a listener's worker threads run.

startThread(openThreadApplication);
