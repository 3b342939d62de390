import {
	NodeConnectionTypes,
	NodeOperationError,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import type { RefundNode as Stripe } from 'refund-node';

import { plain } from '../../../forms/src/index.js';
import { open, signingSecrets } from '../../shared/connection';
import { credentialOf, refundNodeApiTest } from '../../shared/credential';
import { failureOf, shown, unexpected } from '../../shared/failures';
import { propertiesOf } from '../../shared/fields';
import { forms } from '../../shared/forms';
import { inputOfItem } from '../../shared/input';

export class RefundNode implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Refund Node',
		name: 'refundNode',
		icon: { light: 'file:../../icons/refund-node.svg', dark: 'file:../../icons/refund-node.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle: '={{$parameter["resource"] + "." + $parameter["operation"]}}',
		description: 'Make, check and watch Stripe refunds: never twice, never blindly',
		defaults: { name: 'Refund Node' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'refundNodeApi', required: false, testedBy: 'refundNodeApiTest' }],
		properties: propertiesOf(forms),
	};

	methods = { credentialTest: { refundNodeApiTest } };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		// Looked at within each item: where the workflow continues on errors, n8n takes a node that throws for one that
		// succeeded, and hands its input on as if every refund had been made.
		const opened = openedFor(this);
		try {
			const answers: INodeExecutionData[] = [];
			for (const itemIndex of this.getInputData().keys()) {
				answers.push(await answer(this, opened, itemIndex));
			}
			return [answers];
		} finally {
			await opened.then(
				({ stripe }) => stripe.close(),
				() => undefined,
			);
		}
	}
}

interface Opened {
	stripe: Stripe;
	secrets: string[];
}

async function openedFor(context: IExecuteFunctions): Promise<Opened> {
	const credential = await credentialOf(context);
	return { stripe: await open(credential), secrets: signingSecrets(credential) };
}

/** Each item is one call, one after the other: an item that fails stops those behind it. */
async function answer(
	context: IExecuteFunctions,
	opened: Promise<Opened>,
	itemIndex: number,
): Promise<INodeExecutionData> {
	const pairedItem = { item: itemIndex };
	try {
		const { stripe, secrets } = await opened;
		const name = operationOf(context, itemIndex);
		const form = forms.find((one) => one.name === name);
		const input = inputOfItem(context, form, itemIndex, secrets);
		return { json: plain(await stripe.invoke(name, input)), pairedItem };
	} catch (error) {
		const failure = failureOf(error);
		if (context.continueOnFail()) return { json: { error: failure ?? unexpected(error as Error) }, pairedItem };
		if (!failure) throw new NodeOperationError(context.getNode(), error as Error, { itemIndex });
		throw shown(context.getNode(), failure, itemIndex);
	}
}

/** A workflow of another version may name what is not here; n8n leaves the operation out then. */
function operationOf(context: IExecuteFunctions, itemIndex: number): string {
	const parts = ['resource', 'operation'].map((part) => context.getNodeParameter(part, itemIndex, '') as string);
	return parts.filter((part) => part !== '').join('.');
}
