import type { ICredentialDataDecryptedObject, IWebhookFunctions } from 'n8n-workflow';
import type { Webhooks } from 'refund-node';

import { signingSecrets } from './connection';

/** What checks deliveries; it refuses to be there without a secret. */
export async function webhooksOf(
	credential: ICredentialDataDecryptedObject | undefined,
	tolerance: number,
): Promise<Webhooks> {
	const { Webhooks } = await import('refund-node');
	return new Webhooks({ secrets: signingSecrets(credential), tolerance });
}

type Request = ReturnType<IWebhookFunctions['getRequestObject']> & {
	rawBody?: Uint8Array;
	readRawBody?: () => Promise<void>;
};

/**
 * The bytes as they came. n8n reads them when it is asked to; where it does not have them, what is given on
 * is no body at all, and `verify` says that a parsed one cannot be checked.
 */
export async function rawBody(request: Request): Promise<Uint8Array> {
	if (!request.rawBody) await request.readRawBody?.();
	return request.rawBody as Uint8Array;
}
