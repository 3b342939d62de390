import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import type { RefundNode } from 'refund-node';

/** The name of the credential, as nodes ask for it. */
export const CREDENTIAL = 'refundNodeApi';

/**
 * The component behind the credential's key. Without a credential there is one as well: what needs no
 * Stripe works, and everything else says that the key is missing.
 */
export async function open(credential: ICredentialDataDecryptedObject | undefined): Promise<RefundNode> {
	const { RefundNode } = await import('refund-node');
	return await RefundNode.open({
		key: given(credential?.secretKey),
		live: credential?.allowLiveKey === true,
		baseUrl: given(credential?.baseUrl),
		account: given(credential?.account),
		workers: 1,
	});
}

/** The signing secrets: several while one is being rolled. */
export function signingSecrets(credential: ICredentialDataDecryptedObject | undefined): string[] {
	return (given(credential?.webhookSecrets) ?? '').split(/[\s,]+/).filter((secret) => secret !== '');
}

function given(value: unknown): string | undefined {
	return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}
