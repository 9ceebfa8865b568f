import type { z } from 'zod';
import { CancelOrderV1, EvaluateIntentV1, SubmitOrderV1 } from '../commands/commands.ts';
import { CloudEventV1 } from '../envelope/cloud-event.ts';
import { IntentV1 } from '../intents/intent-v1.ts';
import {
  AccountPageV1, AccountsQueryV1, BusRefusalV1, ControlV1, HeartbeatV1, IntentReceiptV1, KillAcknowledgedV1, KillEngageMessageV1, KillReceiptV1, MarketSnapshotV1, OrderPageV1, OrdersQueryV1, PositionPageV1, PositionsQueryV1, PreviewV1, QueryV1, RiskPreviewRequestV1,
  ServiceViewV1, StatusV1, TurnReplyV1, TurnRequestV1,
} from '../queries/index.ts';

export interface Channel {
  readonly name: string;
  /** Subject with its variable tokens in braces. */
  readonly address: string;
  readonly carrier: 'JetStream work queue' | 'JetStream stream' | 'core NATS request' | 'core NATS';
  readonly from: string;
  readonly to: string;
  readonly description: string;
  readonly messages: readonly z.ZodType[];
  readonly replies?: readonly z.ZodType[];
}

/** Variable tokens of the addresses. */
export const PARAMETERS: Readonly<Record<string, string>> = {
  strategy: 'Id of the strategy.',
  partition: 'Partition of the risk group, 0 to 15.',
  category: 'Category of the stream.',
  event: 'Type of the event.',
  account: 'Account, or `-` where an event has none.',
  instance: 'Instance of a strategy.',
  service: 'Service the command was for.',
  query: 'What is asked: `status`, the name of a service, `orders`, `positions` or `accounts`.',
};

/** Every subject of the product. */
export const CHANNELS: readonly Channel[] = [
  { name: 'intent', address: 'tally.intent.{strategy}', carrier: 'core NATS request', from: 'strategies, gateway, agents', to: 'intents', messages: [IntentV1], replies: [IntentReceiptV1, BusRefusalV1],
    description: 'Submit an intent. The reply comes after the append and is the acceptance; without one, send the same key again.' },
  { name: 'preview', address: 'tally.preview.{strategy}', carrier: 'core NATS request', from: 'strategies, gateway, agents', to: 'intents', messages: [IntentV1], replies: [PreviewV1, BusRefusalV1],
    description: 'The full decision and the venue payload; nothing is recorded or sent.' },
  { name: 'riskPreview', address: 'tally.query.risk.{partition}.preview', carrier: 'core NATS request', from: 'intents', to: 'risk', messages: [RiskPreviewRequestV1], replies: [PreviewV1, BusRefusalV1],
    description: 'Decide on an intent as the group stands now; record nothing.' },
  { name: 'evaluate', address: 'tally.cmd.risk.{partition}.evaluate', carrier: 'JetStream work queue', from: 'intents, supervisor', to: 'risk', messages: [EvaluateIntentV1],
    description: 'Decide every leg of a recorded intent.' },
  { name: 'submit', address: 'tally.cmd.execution.{partition}.submit', carrier: 'JetStream work queue', from: 'risk, supervisor', to: 'execution', messages: [SubmitOrderV1],
    description: 'Claim and send an approved order, unless it is too late.' },
  { name: 'cancel', address: 'tally.cmd.execution.{partition}.cancel', carrier: 'JetStream work queue', from: 'gateway, fills, supervisor', to: 'execution', messages: [CancelOrderV1],
    description: 'Cancel an order. A lane of its own: cancels never wait behind submits.' },
  { name: 'marketSnapshot', address: 'tally.market.snapshot', carrier: 'core NATS', from: 'market source', to: 'risk, execution, paper venue, strategies', messages: [MarketSnapshotV1],
    description: 'Every step of the market. Nobody keeps it: a late quote is worthless.' },
  { name: 'marketCurrent', address: 'tally.market.current', carrier: 'core NATS request', from: 'whoever starts late', to: 'market source', messages: [QueryV1], replies: [MarketSnapshotV1, BusRefusalV1],
    description: 'The newest snapshot.' },
  { name: 'killEngage', address: 'tally.kill.engage', carrier: 'core NATS request', from: 'whoever must stop it', to: 'gateway, execution', messages: [KillEngageMessageV1], replies: [KillReceiptV1, BusRefusalV1],
    description: 'Engage the kill switch. The reply comes after the append; engaging twice adds nothing, so ask until answered.' },
  { name: 'killAcknowledged', address: 'tally.kill.acknowledged', carrier: 'core NATS', from: 'execution', to: 'operators', messages: [KillAcknowledgedV1], description: 'An executor has applied a kill. Its record is in the executor’s audit stream.' },
  { name: 'event', address: 'tally.evt.{category}.{event}.{account}', carrier: 'core NATS', from: 'relay of the log', to: 'strategies and outsiders', messages: [CloudEventV1],
    description: 'Events of the log for who is not on the log. May be lost or repeated; the id is the event id.' },
  { name: 'turn', address: 'tally.turn.{instance}', carrier: 'core NATS request', from: 'lockstep conductor', to: 'one strategy instance', messages: [TurnRequestV1], replies: [TurnReplyV1, BusRefusalV1],
    description: 'One turn in lockstep; the reply ends it.' },
  { name: 'heartbeat', address: 'tally.heartbeat.{instance}', carrier: 'core NATS', from: 'one strategy instance', to: 'supervisor', messages: [HeartbeatV1], description: 'The instance lives.' },
  { name: 'control', address: 'tally.control.{instance}', carrier: 'core NATS', from: 'supervisor', to: 'one strategy instance', messages: [ControlV1], description: 'Finish and leave.' },
  { name: 'query', address: 'tally.query.{query}', carrier: 'core NATS request', from: 'gateway, command line, strategies', to: 'services, read models',
    messages: [QueryV1, OrdersQueryV1, PositionsQueryV1, AccountsQueryV1], replies: [StatusV1, ServiceViewV1, OrderPageV1, PositionPageV1, AccountPageV1, BusRefusalV1],
    description: 'How a service is; orders, positions and accounts as the read models have them.' },
  { name: 'deadLetter', address: 'tally.dlq.{service}', carrier: 'JetStream stream', from: 'consumers of commands', to: 'operators', messages: [EvaluateIntentV1, SubmitOrderV1, CancelOrderV1],
    description: 'Commands that can never succeed, as they were sent; headers say why. Listed and sent back by operators.' },
];
