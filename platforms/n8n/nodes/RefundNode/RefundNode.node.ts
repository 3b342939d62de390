import {
	NodeConnectionTypes,
	type ICredentialsDecrypted,
	type ICredentialTestFunctions,
	type IExecuteFunctions,
	type INodeCredentialTestResult,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import type { RefundNode as Stripe } from 'refund-node';

import { plain } from '../../../forms/src/index.js';
import { open, signingSecrets } from '../../shared/connection';
import { credentialOf } from '../../shared/credential';
import { failureOf, shown } from '../../shared/failures';
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
		const credential = await credentialOf(this);
		const opened = open(credential);
		try {
			const answers: INodeExecutionData[] = [];
			for (const itemIndex of this.getInputData().keys()) {
				answers.push(await answer(this, opened, signingSecrets(credential), itemIndex));
			}
			return [answers];
		} finally {
			await opened.then(
				(stripe) => stripe.close(),
				() => undefined,
			);
		}
	}
}

/** Each item is one call, one after the other: an item that fails stops those behind it. */
async function answer(
	context: IExecuteFunctions,
	opened: Promise<Stripe>,
	secrets: string[],
	itemIndex: number,
): Promise<INodeExecutionData> {
	const pairedItem = { item: itemIndex };
	try {
		const resource = context.getNodeParameter('resource', itemIndex) as string;
		const name = `${resource}.${context.getNodeParameter('operation', itemIndex) as string}`;
		const form = forms.find((one) => one.name === name);
		const input = inputOfItem(context, form, itemIndex, secrets);
		return { json: plain(await (await opened).invoke(name, input)), pairedItem };
	} catch (error) {
		const failure = failureOf(error);
		if (!failure) throw error;
		if (!context.continueOnFail()) throw shown(context.getNode(), failure, itemIndex);
		return { json: { error: failure }, pairedItem };
	}
}

/** Reads the balance: the smallest call that shows whether Stripe takes the key. */
async function refundNodeApiTest(
	this: ICredentialTestFunctions,
	credential: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
	try {
		const stripe = await open(credential.data);
		try {
			await stripe.invoke('refunds.balance', {});
			return { status: 'OK', message: 'Stripe takes the key' };
		} finally {
			await stripe.close();
		}
	} catch (error) {
		return { status: 'Error', message: failureOf(error)?.message ?? String(error) };
	}
}
