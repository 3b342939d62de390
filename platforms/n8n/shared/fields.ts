import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';

import type { Field, Form } from '../../forms/src/index.js';

/** The collection that holds what may be left out. */
export const ADDITIONAL = 'additionalFields';
/** Where an input is written as a whole. */
export const WHOLE_INPUT = 'inputJson';
/** Whether it is. */
export const SPECIFY = 'specifyInput';

/** Names that the node itself takes; a field of the contract must not have one of them. */
const TAKEN = new Set(['resource', 'operation', ADDITIONAL, WHOLE_INPUT, SPECIFY]);

/** Everything below the credential: resource, operation, and the fields of every operation. */
export function propertiesOf(forms: Form[]): INodeProperties[] {
	for (const { name, fields } of forms) {
		const clash = fields.find((field) => TAKEN.has(field.name));
		if (clash) throw new Error(`${name} has a field named ${clash.name}, which the node takes itself`);
	}
	return [
		resource(forms),
		...resources(forms).map((group) => operation(forms.filter((form) => form.resource.value === group.value))),
		...forms.filter((form) => form.effect === 'moves-money').map(warning),
		specifyInput(),
		...forms.flatMap(fieldsOf),
		wholeInput(),
	];
}

function resources(forms: Form[]): Form['resource'][] {
	const groups = new Map(forms.map((form) => [form.resource.value, form.resource]));
	return [...groups.values()].sort((one, other) => one.title.localeCompare(other.title));
}

function resource(forms: Form[]): INodeProperties {
	return {
		displayName: 'Resource',
		name: 'resource',
		type: 'options',
		noDataExpression: true,
		options: resources(forms).map(({ title, value }) => ({ name: title, value })),
		default: forms[0].resource.value,
	};
}

function operation(forms: Form[]): INodeProperties {
	const options: INodePropertyOptions[] = forms.map(({ operation: { title, value, description } }) => ({
		name: title,
		value,
		action: title,
		description: plain(description),
	}));
	return {
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: [forms[0].resource.value] } },
		options: options.sort((one, other) => one.name.localeCompare(other.name)),
		default: forms[0].operation.value,
	};
}

function warning(form: Form): INodeProperties {
	return {
		displayName: 'This operation moves money. One operation ID makes at most one refund, however often the workflow runs.',
		name: `notice_${form.name.replace(/\W/g, '_')}`,
		type: 'notice',
		displayOptions: shownFor(form),
		default: '',
	};
}

function specifyInput(): INodeProperties {
	return {
		displayName: 'Specify Input',
		name: SPECIFY,
		type: 'options',
		noDataExpression: true,
		options: [
			{ name: 'Using Fields Below', value: 'fields' },
			{ name: 'Using JSON', value: 'json' },
		],
		default: 'fields',
	};
}

function wholeInput(): INodeProperties {
	return {
		displayName: 'Input',
		name: WHOLE_INPUT,
		type: 'json',
		displayOptions: { show: { [SPECIFY]: ['json'] } },
		default: '{}',
		description: 'The whole input of the operation, as its JSON Schema says. The connection comes from the credential.',
	};
}

function fieldsOf(form: Form): INodeProperties[] {
	const displayOptions = { show: { ...shownFor(form).show, [SPECIFY]: ['fields'] } };
	const required = form.fields.filter((field) => field.required);
	const optional = form.fields.filter((field) => !field.required);
	const shown: INodeProperties[] = required.map((field) => ({ ...property(field), required: true, displayOptions }));
	if (optional.length) {
		shown.push({
			displayName: 'Additional Fields',
			name: ADDITIONAL,
			type: 'collection',
			placeholder: 'Add Field',
			default: {},
			displayOptions,
			options: optional.map(property),
		});
	}
	return shown;
}

function shownFor(form: Form) {
	return { show: { resource: [form.resource.value], operation: [form.operation.value] } };
}

function property(field: Field): INodeProperties {
	return {
		displayName: field.title,
		name: field.name,
		description: described(field),
		...(field.placeholder && { placeholder: `e.g. ${field.placeholder}` }),
		...typed(field),
	};
}

function typed(field: Field): Pick<INodeProperties, 'type' | 'default' | 'options' | 'typeOptions'> {
	if (field.secret) return { type: 'string', default: '', typeOptions: { password: true } };
	switch (field.kind) {
		case 'integer':
			return { type: 'number', default: 0, typeOptions: { minValue: 0, numberPrecision: 0 } };
		case 'boolean':
			return { type: 'boolean', default: false };
		case 'time':
			return { type: 'dateTime', default: '' };
		case 'choice': {
			const options = (field.options ?? []).map(({ title, value, description }) => ({
				name: title,
				value,
				description: plain(description ?? ''),
			}));
			return { type: 'options', default: options[0].value, options };
		}
		case 'json':
			return { type: 'json', default: Array.isArray(field.example) ? '[]' : '{}' };
		case 'text':
			return { type: 'string', default: '' };
	}
}

function described(field: Field): string {
	const parts = [plain(field.description)];
	if (field.example !== undefined && !field.secret) {
		parts.push(`For example: <code>${escaped(JSON.stringify(field.example))}</code>`);
	}
	if (field.secret) parts.push('A JSON list; left out, the signing secrets of the credential are taken.');
	return parts.join(' ');
}

/** The editor shows descriptions as HTML. */
function plain(markdown: string): string {
	return escaped(markdown).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function escaped(text: string): string {
	return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
