import type { ServiceViewV1, StatusV1 } from '@tallystick/contracts';
import type { GatewayConfig } from '../gateway-config.ts';
import type { GatewayPorts, InstanceView } from '../gateway-ports.ts';

const ACTUAL: Readonly<Record<InstanceView['actual'], ServiceViewV1['actual']>> = { unknown: 'stopped', starting: 'starting', running: 'running', silent: 'silent', exited: 'stopped' };

const instanceView = (instance: InstanceView): ServiceViewV1 => ({
  service: instance.strategy ?? instance.instance_id, instance: instance.instance_id, kind: 'strategy', desired: instance.desired ?? 'stopped', actual: ACTUAL[instance.actual],
  restarts: Math.max(0, instance.exits), ...(instance.pid === undefined ? {} : { pid: instance.pid }),
  ...(instance.last_exit === undefined ? {} : { detail: `last exit: ${instance.last_exit}` }),
});

interface Head {
  readonly ok: boolean;
  readonly position?: bigint;
  readonly detail?: string;
}

const headOf = async ({ service }: GatewayPorts): Promise<Head> => {
  const head = await service.store.head();
  return head.ok ? { ok: true, position: head.position ?? -1n } : { ok: false, detail: head.detail };
};

/** Positions are places and not counts: only "none" is a number of events. */
const gatewayView = ({ service: { identity }, readModel }: GatewayPorts, head: Head): ServiceViewV1 => {
  const fault = readModel.fault();
  const position = readModel.queries.position();
  const caughtUp = head.position !== undefined && position >= head.position;
  return {
    service: identity.service, instance: identity.instance, kind: 'service', desired: 'running', actual: readModel.isLive() ? 'running' : 'degraded', build: identity.build,
    ...(caughtUp || readModel.isLive() ? { lag_events: 0 } : {}),
    ...(fault === undefined ? {} : { detail: `read model: ${fault}` }),
  };
};

const probed = async (ports: GatewayPorts, { name, url }: GatewayConfig['services'][number]): Promise<ServiceViewV1> => {
  const probe = await ports.probe(url);
  const actual = probe.kind === 'silent' ? 'silent' : probe.ok ? 'running' : 'degraded';
  return { service: name, instance: name, kind: 'service', desired: 'running', actual, ...(probe.detail === undefined || probe.detail === '' ? {} : { detail: probe.detail }) };
};

const allServices = async (ports: GatewayPorts, config: GatewayConfig, head: Head): Promise<readonly ServiceViewV1[]> => [
  gatewayView(ports, head),
  ...(await Promise.all(config.services.filter(({ name }) => name !== ports.service.identity.service).map((service) => probed(ports, service)))),
  ...ports.readModel.queries.instances().map(instanceView),
];

/** The gateway itself, every service of its configuration, every strategy instance of the log. */
export const listServices = async (ports: GatewayPorts, config: GatewayConfig): Promise<{ readonly version: 1; readonly items: readonly ServiceViewV1[]; readonly position: string }> => {
  const items = await allServices(ports, config, await headOf(ports));
  return { version: 1, items, position: ports.readModel.queries.position().toString() };
};

const marketOf = ({ market }: GatewayPorts, symbols: readonly string[]): Pick<StatusV1, 'market'> => {
  const newest = symbols.map((symbol) => market.quote(symbol)).filter((quote) => quote !== undefined).sort((a, b) => b.time_ms - a.time_ms)[0];
  return newest ? { market: { source: newest.source, sequence: market.sequence(), time_ms: newest.time_ms, simulated: newest.source.startsWith('simulated') } } : {};
};

/** One look at all of it. `down`: nothing can be recorded; `degraded`: something that should run does not, or the kill switch is engaged. */
export const readStatus = async (ports: GatewayPorts, config: GatewayConfig): Promise<StatusV1> => {
  const { queries } = ports.readModel;
  const head = await headOf(ports);
  const services = await allServices(ports, config, head);
  const kill = queries.kill();
  const [policy] = queries.policies();
  const wanted = services.every(({ desired, actual }) => desired === 'stopped' || actual === 'running');
  const fine = wanted && ports.busConnected() && kill.exists && kill.engaged.size === 0;
  return {
    version: 1, status: head.ok ? (fine ? 'ok' : 'degraded') : 'down', mode: config.mode, build: ports.service.identity.build,
    store: { ok: head.ok, ...(head.position === undefined ? {} : { head: head.position.toString() }), ...(head.detail === undefined ? {} : { detail: head.detail }) },
    bus: { ok: ports.busConnected() }, ...marketOf(ports, policy?.document.instruments ?? []),
    kill: { readable: kill.exists, engaged: [...kill.engaged].map(([scope, { reason, engaged_by }]) => ({ scope, reason, engaged_by })) },
    ...(policy ? { policy: { name: policy.document.name, policy_hash: policy.policy_hash, sequence: policy.sequence } } : {}),
    orders: queries.ordersByStatus(), services: [...services], position: queries.position().toString(),
  };
};
