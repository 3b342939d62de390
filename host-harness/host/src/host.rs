//! The host: its settings, and how it loads a component.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::component::Component;

use crate::cache::Cache;
use crate::component::{check_header, check_world, compile, digest, read};
use crate::egress::{Allow, Egress, Pace, Resolve, System};
use crate::error::{ComponentError, HostError};
use crate::instance::Linked;
use crate::limits::Limits;
use crate::node::Node;
use crate::runtime::{GIVEN, Runtime};
use crate::secret::StripeKey;
use crate::trust::{PublicKey, Trust};

/// Runs components. Cheap to clone; one is enough for a process.
#[derive(Clone)]
pub struct Host {
    runtime: Arc<Runtime>,
    cache: Option<Arc<Cache>>,
    trust: Arc<Trust>,
}

/// Builds a [`Host`].
#[derive(Default)]
pub struct HostBuilder {
    key: Option<StripeKey>,
    allow: Allow,
    limits: Limits,
    allow_guest_key: bool,
    pace: Option<Pace>,
    resolve: Option<Arc<dyn Resolve>>,
    cache: Option<PathBuf>,
    core_dumps: Option<PathBuf>,
    trust: Trust,
}

impl HostBuilder {
    /// The key that the host adds to every allowed request.
    #[must_use]
    pub fn key(mut self, key: StripeKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Where requests may go. Without it: nowhere.
    #[must_use]
    pub fn allow(mut self, allow: Allow) -> Self {
        self.allow = allow;
        self
    }

    /// Bounds of a call.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Lets a caller pass the key through the component, in `connection.api-key`. For platforms that
    /// keep keys themselves; off, so that a component cannot send a key of its own.
    #[must_use]
    pub fn allow_guest_key(mut self, allow: bool) -> Self {
        self.allow_guest_key = allow;
        self
    }

    /// Keeps requests within these rates: they wait for their turn instead of being refused. Off unless
    /// set.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Resolves names this way instead of asking the system. Private addresses are left out all the same.
    #[must_use]
    pub fn resolve(mut self, resolve: Arc<dyn Resolve>) -> Self {
        self.resolve = Some(resolve);
        self
    }

    /// Keeps compiled code in this folder, which belongs to this user alone; see [`default_cache`]. Off
    /// unless set. A folder that cannot be used is a warning in the log, and everything is compiled.
    ///
    /// [`default_cache`]: crate::default_cache
    #[must_use]
    pub fn cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// Writes a core dump of every guest that traps or reaches a limit while it computes, into this folder: for
    /// its authors. A dump holds what the guest held: customers' data, never the key.
    #[must_use]
    pub fn core_dumps(mut self, folder: impl Into<PathBuf>) -> Self {
        self.core_dumps = Some(folder.into());
        self
    }

    /// Runs only the component with this SHA-256, as `component inspect` prints it (`sha256:` or not).
    #[must_use]
    pub fn pin(mut self, digest: &str) -> Self {
        self.trust.pin(digest);
        self
    }

    /// Runs only components signed with this key; see [`Host::load_signed`].
    #[must_use]
    pub fn signed_by(mut self, key: PublicKey) -> Self {
        self.trust.signed_by(key);
        self
    }

    /// Makes the engine and the connection pool.
    pub fn build(self) -> Result<Host, HostError> {
        let resolve = self.resolve.unwrap_or_else(|| Arc::new(System));
        let egress = Egress::new(
            self.allow,
            self.key,
            self.allow_guest_key,
            self.pace,
            resolve,
            &self.limits,
        );
        let runtime = Runtime::new(self.limits, egress, self.core_dumps.map(Into::into))?;
        Ok(Host {
            runtime: Arc::new(runtime),
            cache: self.cache.and_then(|folder| open(&folder)).map(Arc::new),
            trust: Arc::new(self.trust),
        })
    }
}

impl Host {
    /// Starts building.
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    /// How often Stripe answered 429 since the host was built, where a pace is kept.
    pub fn throttled(&self) -> u64 {
        self.runtime.egress.refused()
    }

    /// How many seconds this machine's clock is ahead of Stripe's (negative: behind), by the date of the
    /// newest answer; `None` before the first.
    pub fn clock_lead(&self) -> Option<i64> {
        self.runtime.egress.clock_lead()
    }

    /// Loads a component from its bytes.
    pub fn load(&self, bytes: &[u8]) -> Result<Node, ComponentError> {
        self.load_signed(bytes, None)
    }

    /// The same with its signature, the text of a `.minisig` file. It is looked at where
    /// [`HostBuilder::signed_by`] asks for one.
    pub fn load_signed(
        &self,
        bytes: &[u8],
        signature: Option<&str>,
    ) -> Result<Node, ComponentError> {
        check_header(bytes)?;
        let (size, most) = (bytes.len(), self.runtime.limits.component);
        if size > most {
            return Err(ComponentError::TooLarge { size, most });
        }
        let digest = digest(bytes);
        self.trust.check(bytes, &digest, signature)?;
        let (component, cached) = self.compiled(bytes, &digest)?;
        check_world(&self.runtime.engine, &component, &GIVEN)?;
        let linked = self.runtime.linker.instantiate_pre(&component);
        let pre =
            linked.map_err(|error| ComponentError::Damaged(error.root_cause().to_string()))?;
        Node::new(Linked { runtime: Arc::clone(&self.runtime), pre, digest }, cached)
    }

    /// Loads a component from a file, and its signature from the file beside it that ends in `.minisig`
    /// as well.
    pub fn load_file(&self, path: &Path) -> Result<Node, ComponentError> {
        let bytes = read(path)?;
        let signature = self.trust.wants_signature().then(|| signature_of(path));
        let signature = signature.transpose()?;
        self.load_signed(&bytes, signature.as_deref())
    }

    /// The compiled component, and whether it came from the cache.
    fn compiled(&self, bytes: &[u8], digest: &str) -> Result<(Component, bool), ComponentError> {
        let engine = &self.runtime.engine;
        let Some(cache) = &self.cache else { return Ok((compile(engine, bytes)?, false)) };
        if let Some(component) = cache.load(engine, digest) {
            return Ok((component, true));
        }
        let component = compile(engine, bytes)?;
        cache.keep(engine, digest, &component);
        Ok((component, false))
    }
}

fn open(folder: &Path) -> Option<Cache> {
    let cache = Cache::open(folder);
    let told = |error: &std::io::Error| {
        tracing::warn!(%error, folder = %folder.display(), "compiled code cannot be kept here");
    };
    cache.inspect_err(told).ok()
}

fn signature_of(component: &Path) -> Result<String, ComponentError> {
    let mut path = component.as_os_str().to_owned();
    path.push(".minisig");
    let path = PathBuf::from(path);
    std::fs::read_to_string(&path)
        .map_err(|error| ComponentError::Unreadable { path: path.display().to_string(), error })
}
