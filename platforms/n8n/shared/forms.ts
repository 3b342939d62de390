import manifest from 'refund-node/manifest.json';

import { formsOf, type Form } from '../../forms/src/index.js';

/** The forms of the component that this package was built with. */
export const forms: Form[] = formsOf(manifest);
