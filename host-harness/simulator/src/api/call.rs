//! One call to an endpoint.

use serde_json::{Map, Value};

use crate::error::{ApiError, ApiResult};
use crate::list::page;
use crate::store::Store;
use crate::upload::File;
use crate::world::World;

/// One call: what was asked, and in which mode.
pub(crate) struct Call<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) params: Map<String, Value>,
    pub(crate) live: bool,
    /// The file, where one is uploaded.
    pub(crate) upload: Option<File>,
}

impl Call<'_> {
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.params.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    pub(super) fn page(&self, kind: &'static str, filters: &[&str], url: &str) -> ApiResult {
        self.page_of(kind, filters, url, |_| true)
    }

    /// A page of the objects that a parameter without a field of its name lets through.
    pub(super) fn page_of(
        &self,
        kind: &'static str,
        filters: &[&str],
        url: &str,
        lets_through: impl Fn(&Value) -> bool,
    ) -> ApiResult {
        let store = &self.world.store;
        let owner = filters.iter().find_map(|name| {
            let owner = self.params.get(*name)?.as_str()?;
            Some(store.owned(kind, Store::owner_field(name)?, owner))
        });
        let of_mode =
            |object: &&Value| object["livemode"].as_bool().unwrap_or(self.live) == self.live;
        let objects = owner.unwrap_or_else(|| store.all(kind).collect());
        let objects = objects.into_iter().filter(|object| of_mode(object) && lets_through(object));
        page(objects, &self.params, filters, url)
    }

    /// Refuses what Stripe does and the simulator does not: a test must not pass on what was not done.
    pub(super) fn knows(&self, names: &[&str]) -> ApiResult<()> {
        let general = ["expand", "limit", "starting_after", "ending_before"];
        let known = |name: &str| names.contains(&name) || general.contains(&name);
        match self.params.keys().find(|name| !known(name)) {
            Some(name) => Err(ApiError::invalid(
                "",
                name.as_str(),
                format!("The simulator does not do {name} here, as Stripe would."),
            )
            .without_code()),
            None => Ok(()),
        }
    }
}
