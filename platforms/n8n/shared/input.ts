import { DateTime } from 'luxon';
import type { IExecuteFunctions } from 'n8n-workflow';

import { inputOf, wholeInput, type Form } from '../../forms/src/index.js';
import { ADDITIONAL, SPECIFY, WHOLE_INPUT } from './fields';

/** What the form of one item says, as the operation takes it. */
export function inputOfItem(
	context: IExecuteFunctions,
	form: Form | undefined,
	itemIndex: number,
	signingSecrets: string[],
): object {
	if (context.getNodeParameter(SPECIFY, itemIndex) === 'json') {
		return wholeInput(context.getNodeParameter(WHOLE_INPUT, itemIndex));
	}
	if (!form) return {};
	const values = { ...fromCredential(form, signingSecrets), ...filledIn(context, form, itemIndex) };
	return inputOf(form, values, { localTime: (text) => millis(text, context.getTimezone()) });
}

function filledIn(context: IExecuteFunctions, form: Form, itemIndex: number): Record<string, unknown> {
	const required = form.fields.filter((field) => field.required);
	const values = required.map(({ name }) => [name, context.getNodeParameter(name, itemIndex, undefined)]);
	return { ...Object.fromEntries(values), ...(context.getNodeParameter(ADDITIONAL, itemIndex, {}) as object) };
}

function fromCredential(form: Form, signingSecrets: string[]): Record<string, unknown> {
	const secrets = form.fields.filter((field) => field.secret);
	return Object.fromEntries(secrets.map(({ name }) => [name, signingSecrets]));
}

/** The editor's date picker gives times without a zone: the workflow's is meant. */
function millis(text: string, zone: string): number {
	return DateTime.fromISO(text, { zone }).toMillis();
}
