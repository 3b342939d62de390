import { NodeApiError, NodeOperationError, type INode, type JsonObject } from 'n8n-workflow';

/** A failure as every platform reports it; see platforms/conformance. */
export interface Failure extends JsonObject {
	kind: string;
	message: string;
}

/** What to do about a kind of failure that says nothing about it itself. */
const ADVICE: Record<string, string> = {
	'invalid-input': 'Correct the fields named above. Nothing was sent to Stripe.',
	'unknown-operation': 'Choose resource and operation from the lists.',
	denied: 'A rule of Stripe or of your policy forbids it; every reason is in the details. Nothing was refunded.',
	'needs-approval':
		'Let somebody approve, then call again with the request_hash of the details in the field Approval. See the example "Refund with approval".',
	conflict: 'The operation ID or the approval belongs to something else. Nothing was refunded by this call.',
	refused: 'Stripe refused. The details name its reason.',
	transport: 'Nothing was changed. Where it is retryable, run it again.',
	'outcome-unknown':
		'It may or may not have been done. Where it is retryable, running it again with the same fields finds out; a dispute has to be read first.',
	rejected: 'What was given is forged, too old or no event.',
	host: 'Correct what the message names. After a timeout running it again with the same fields finds out what happened; a dispute has to be read first.',
};

/** The failure in an error of the component or of a form; nothing where it is a bug. */
export function failureOf(error: unknown): Failure | undefined {
	const json = hasJson(error) ? (error.toJSON() as JsonObject) : undefined;
	if (typeof json?.kind !== 'string' || !(json.kind in ADVICE)) return undefined;
	return json as Failure;
}

/** What nobody foresaw: an expression that throws, a credential that cannot be read. */
export function unexpected(error: Error): Failure {
	return { kind: 'host', code: 'unexpected', message: error.message };
}

/** The error that n8n shows: what happened, what to do, and the whole answer. */
export function shown(node: INode, failure: Failure, itemIndex: number): NodeApiError | NodeOperationError {
	const { kind, message } = failure;
	const description = `${ADVICE[kind]} (${kind})`;
	if ('details' in failure) return new NodeApiError(node, failure, { message, description, itemIndex });
	const error = new NodeOperationError(node, message, { description, itemIndex });
	error.context.failure = failure;
	return error;
}

function hasJson(error: unknown): error is { toJSON(): unknown } {
	return error instanceof Error && 'toJSON' in error && typeof error.toJSON === 'function';
}
