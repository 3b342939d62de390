import {
	NodeConnectionTypes,
	NodeOperationError,
	type IDataObject,
	type IHookFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { plain } from '../../../forms/src/index.js';
import { credentialOf, refundNodeApiTest } from '../../shared/credential';
import { rawBody, webhooksOf } from '../../shared/delivery';
import { failureOf } from '../../shared/failures';

/** What Stripe tells of refunds and disputes, in its words. */
const EVENTS = [
	'charge.dispute.closed',
	'charge.dispute.created',
	'charge.dispute.funds_reinstated',
	'charge.dispute.funds_withdrawn',
	'charge.dispute.updated',
	'charge.refund.updated',
	'charge.refunded',
	'refund.created',
	'refund.failed',
	'refund.updated',
];

export class RefundNodeTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Refund Node Trigger',
		name: 'refundNodeTrigger',
		icon: { light: 'file:../../icons/refund-node.svg', dark: 'file:../../icons/refund-node.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '={{$parameter["events"].join(", ")}}',
		description: 'Starts when Stripe says something about a refund or dispute, and its signature is good',
		defaults: { name: 'Refund Node Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'refundNodeApi', required: true, testedBy: 'refundNodeApiTest' }],
		webhooks: [{ name: 'default', httpMethod: 'POST', responseMode: 'onReceived', path: 'stripe', rawBody: true }],
		properties: [
			{
				displayName:
					'Add the production URL as a webhook endpoint at Stripe, and its signing secret to the credential. Without a secret nothing is received.',
				name: 'notice',
				type: 'notice',
				default: '',
			},
			{
				displayName: 'Events',
				name: 'events',
				type: 'multiOptions',
				options: EVENTS.map((event) => ({ name: event, value: event })),
				default: [],
				description: 'Which events start the workflow; all that Stripe sends when none is chosen',
			},
			{
				displayName: 'Oldest Delivery',
				name: 'tolerance',
				type: 'number',
				typeOptions: { minValue: 0, numberPrecision: 0 },
				default: 300,
				description: 'How many seconds ago a delivery may have been signed; 0 for any age',
			},
		],
	};

	methods = { credentialTest: { refundNodeApiTest } };

	webhookMethods = {
		default: {
			/** The endpoint at Stripe is yours: only what is needed here is looked at. */
			async checkExists(this: IHookFunctions): Promise<boolean> {
				return false;
			},
			/** Called when the workflow is activated: without a secret it is not. */
			async create(this: IHookFunctions): Promise<boolean> {
				try {
					await webhooksOf(await credentialOf(this), 0);
					return true;
				} catch (error) {
					throw new NodeOperationError(this.getNode(), error as Error, {
						description: 'Give the credential the signing secret of the webhook endpoint, whsec_…',
					});
				}
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				return true;
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		const answer = (status: number, message: string): IWebhookResponseData => {
			this.getResponseObject().status(status).json({ message });
			return { noWebhookResponse: true };
		};
		try {
			const webhooks = await webhooksOf(await credentialOf(this), this.getNodeParameter('tolerance') as number);
			const request = this.getRequestObject();
			const event = webhooks.verify(await rawBody(request), request.headers['stripe-signature']);
			if (!isWanted(event.type, this.getNodeParameter('events') as string[])) return answer(200, 'not wanted');
			const json = plain({ ...webhooks.interpret(event), raw: event }) as IDataObject;
			return { workflowData: [this.helpers.returnJsonArray([json])] };
		} catch (error) {
			const failure = failureOf(error);
			this.logger.warn(`A delivery to the Refund Node Trigger was refused: ${failure?.message ?? String(error)}`);
			return failure?.kind === 'rejected' ? answer(400, failure.message) : answer(500, failure?.message ?? 'failed');
		}
	}
}

/** Thin events have the same names behind a version. */
function isWanted(type: string, events: string[]): boolean {
	return events.length === 0 || events.includes(type.replace(/^v1\./, ''));
}
