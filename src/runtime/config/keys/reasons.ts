// Why keys have no effect, where several share a reason.

export const NO_ADMIN =
  'the admin client goes by the keys of all clients, and tries again until kafka.admin.operation-timeout has passed';
export const NO_OBSERVATIONS = 'there are no traces or metrics here yet; use the events of a listener container';
export const NO_JMX = 'there is no JVM and no JMX here; ask a listener container for its numbers with describe()';
export const NO_KERBEROS = 'Kerberos does not exist in Node; use SCRAM, PLAIN, OAUTHBEARER or certificates';
export const BROKER_SIDE = 'it is read by brokers that check tokens, not by clients; set it on the broker';
export const SOCKET = "Node's sockets do not offer it; the operating system tunes its buffers itself";
