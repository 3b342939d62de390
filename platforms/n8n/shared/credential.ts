import type {
	ICredentialDataDecryptedObject,
	ICredentialsDecrypted,
	ICredentialTestFunctions,
	IExecuteFunctions,
	IHookFunctions,
	INodeCredentialTestResult,
	IWebhookFunctions,
} from 'n8n-workflow';

import { CREDENTIAL, open } from './connection';
import { failureOf } from './failures';

/** The credential's data, or nothing where none was chosen. */
export async function credentialOf(
	context: IExecuteFunctions | IHookFunctions | IWebhookFunctions,
): Promise<ICredentialDataDecryptedObject | undefined> {
	if (!context.getNode().credentials?.[CREDENTIAL]) return undefined;
	return await context.getCredentials<ICredentialDataDecryptedObject>(CREDENTIAL);
}

/** Reads the balance: the smallest call that shows whether Stripe takes the key. */
export async function refundNodeApiTest(
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
