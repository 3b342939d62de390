//! Idempotency keys (reference 3.6): the first answer is kept once the endpoint began to run, and
//! repeated for a day to whoever sends the same key with the same parameters.

use std::collections::HashMap;

use serde_json::Value;

use crate::error::ApiError;

/// How long a key is remembered, in seconds.
const DAY: u64 = 86_400;

/// Account, mode and key.
pub(crate) type KeyScope = (String, bool, String);

/// A first answer.
#[derive(Clone, Debug)]
pub(crate) struct FirstAnswer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) request_id: String,
}

enum Entry {
    Running { fingerprint: String },
    Done { fingerprint: String, at: u64, kept: FirstAnswer },
}

/// All keys.
#[derive(Default)]
pub(crate) struct Keys(HashMap<KeyScope, Entry>);

impl Keys {
    /// Begins a request: `Ok(None)` to run it, `Ok(Some)` to repeat an answer.
    pub(crate) fn begin(
        &mut self,
        scope: &KeyScope,
        fingerprint: &str,
        now: u64,
    ) -> Result<Option<FirstAnswer>, ApiError> {
        match self.0.get(scope) {
            Some(Entry::Done { at, .. }) if now.saturating_sub(*at) >= DAY => {}
            Some(
                Entry::Running { fingerprint: known } | Entry::Done { fingerprint: known, .. },
            ) if known != fingerprint => {
                return Err(ApiError::with_status(400, "Keys for idempotent requests can only be used with the same parameters they were first used with.").idempotency());
            }
            Some(Entry::Running { .. }) => {
                return Err(ApiError::with_status(
                    409,
                    "There is currently another in-progress request using this Idempotent Key.",
                )
                .code("idempotency_key_in_use"));
            }
            Some(Entry::Done { kept, .. }) => return Ok(Some(kept.clone())),
            None => {}
        }
        self.0.insert(scope.clone(), Entry::Running { fingerprint: fingerprint.to_owned() });
        Ok(None)
    }

    /// Ends a request: keeps its answer, or forgets the key.
    pub(crate) fn end(
        &mut self,
        scope: KeyScope,
        fingerprint: String,
        at: u64,
        kept: Option<FirstAnswer>,
    ) {
        match kept {
            Some(kept) => self.0.insert(scope, Entry::Done { fingerprint, at, kept }),
            None => self.0.remove(&scope),
        };
    }
}
