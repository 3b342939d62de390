import type { ICredentialDataDecryptedObject, IExecuteFunctions, IHookFunctions, IWebhookFunctions } from 'n8n-workflow';

import { CREDENTIAL } from './connection';

/** The credential's data, or nothing where none was chosen. */
export async function credentialOf(
	context: IExecuteFunctions | IHookFunctions | IWebhookFunctions,
): Promise<ICredentialDataDecryptedObject | undefined> {
	if (!context.getNode().credentials?.[CREDENTIAL]) return undefined;
	return await context.getCredentials<ICredentialDataDecryptedObject>(CREDENTIAL);
}
