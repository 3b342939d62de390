import type { ICredentialType, INodeProperties, Icon } from 'n8n-workflow';

/**
 * A Stripe key for refunds. It has no `authenticate`: the key goes to the addresses of the component's
 * list of requests and nowhere else, so the HTTP Request node must not get it.
 */
export class RefundNodeApi implements ICredentialType {
	name = 'refundNodeApi';

	displayName = 'Refund Node API';

	icon: Icon = { light: 'file:../icons/refund-node.svg', dark: 'file:../icons/refund-node.dark.svg' };

	documentationUrl = 'https://docs.stripe.com/keys';

	properties: INodeProperties[] = [
		{
			displayName: 'Secret Key',
			name: 'secretKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			placeholder: 'rk_test_…',
			description: 'A secret key, or better a restricted key with the rights for refunds, charges and disputes',
		},
		{
			displayName: 'Allow Live Key',
			name: 'allowLiveKey',
			type: 'boolean',
			default: false,
			description: 'Whether a live key may be used. Without it a live key is refused, so that no test moves real money.',
		},
		{
			displayName: 'Connected Account',
			name: 'account',
			type: 'string',
			default: '',
			placeholder: 'acct_…',
			description: 'Acts for this connected account; your own when empty',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://api.stripe.com',
			description: 'Another address than Stripe, for tests with the simulator: https, or http on 127.0.0.1',
		},
		{
			displayName: 'Webhook Signing Secrets',
			name: 'webhookSecrets',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			placeholder: 'whsec_…',
			description:
				'For the trigger: the secret of the webhook endpoint. While you roll it give both, separated by a comma.',
		},
	];
}
