//! Compiled code on disk, so that a process starts at once.
//!
//! Compiled code runs as it is, outside any sandbox. So nothing is loaded but what a host of this user wrote
//! itself: every file carries a MAC under a key that only this user can read. A file that is stale, damaged,
//! planted or copied from elsewhere is compiled anew and replaced.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tempfile::{Builder, NamedTempFile};
use wasmtime::Engine;
use wasmtime::component::Component;
use zeroize::Zeroizing;

/// Files kept; the oldest go first.
const KEPT: usize = 16;
const KEY: &str = "key";
const EXTENSION: &str = "compiled";
const TAG: usize = 32;
/// How the names of files begin that are being written, and how old they are when nobody writes them.
const HALF: &str = ".half-";
const ABANDONED: Duration = Duration::from_hours(1);

/// A folder of compiled components that belongs to one user.
pub(crate) struct Cache {
    folder: PathBuf,
    key: Zeroizing<Vec<u8>>,
}

impl Cache {
    /// Opens the folder, and makes it when it is not there.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        private::folder(folder)?;
        let key = match private::read(&folder.join(KEY)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => new_key(folder)?,
            key => key?,
        };
        if key.len() != TAG {
            return Err(io::Error::other("its key is damaged: delete the folder"));
        }
        Ok(Self { folder: folder.to_owned(), key })
    }

    /// The compiled component, if this engine or an equal one compiled these very bytes.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let name = name(engine, digest);
        let file = fs::read(self.folder.join(&name)).ok()?;
        let (tag, code) = file.split_at_checked(TAG)?;
        if self.mac(&name, code).verify_slice(tag).is_err() {
            tracing::warn!(
                file = name,
                "compiled code was not written by this host, or is damaged"
            );
            return None;
        }
        deserialize(engine, code)
    }

    /// Keeps a compiled component. A folder that is full or cannot be written is no reason to fail.
    pub(crate) fn keep(&self, engine: &Engine, digest: &str, component: &Component) {
        let name = name(engine, digest);
        let kept = component.serialize().map_err(io::Error::other).and_then(|code| {
            let mut file = Builder::new().prefix(HALF).tempfile_in(&self.folder)?;
            file.write_all(&self.mac(&name, &code).finalize().into_bytes())?;
            file.write_all(&code)?;
            file.persist(self.folder.join(&name))?;
            self.trim()
        });
        if let Err(error) = kept {
            tracing::warn!(%error, folder = %self.folder.display(), "compiled code could not be kept");
        }
    }

    fn mac(&self, name: &str, code: &[u8]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key of any length");
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(code);
        mac
    }

    /// Removes all but the newest files, and what processes left that were killed while they wrote.
    fn trim(&self) -> io::Result<()> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let (path, written) = (entry.path(), entry.metadata()?.modified()?);
            let age = written.elapsed().unwrap_or_default();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                kept.push((written, path));
            } else if entry.file_name().to_string_lossy().starts_with(HALF) && age > ABANDONED {
                fs::remove_file(path)?;
            }
        }
        kept.sort_unstable();
        let surplus = kept.len().saturating_sub(KEPT);
        kept.iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

/// Where compiled code is kept unless told otherwise: `refund-node` in the user's folder for caches.
/// `None` where there is none.
pub fn default_cache() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else {
        absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
    };
    caches.map(|caches| caches.join("refund-node"))
}

/// Names the bytes that were compiled, and all that the outcome depends on: wasmtime's version, the
/// settings of the engine, the features of the processor.
fn name(engine: &Engine, digest: &str) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{digest}-{:016x}.{EXTENSION}", hasher.finish())
}

/// The one place that loads compiled code.
#[expect(unsafe_code, reason = "loading compiled code cannot be made safe, only trusted")]
fn deserialize(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: the caller has verified the MAC, so these are bytes that `Component::serialize` gave to a host
    // of this user. They are in memory: nobody can change them between the check and this.
    let loaded = unsafe { Component::deserialize(engine, code) };
    loaded.inspect_err(|error| tracing::debug!(%error, "compiled code is stale")).ok()
}

/// Makes the key. Where two processes do so at once, both use the one that was there first.
fn new_key(folder: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; TAG]);
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    // Readable by the user alone: that is how these files are made.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(&key)?;
    match file.persist_noclobber(folder.join(KEY)) {
        Ok(_) => Ok(key),
        Err(_) => private::read(&folder.join(KEY)),
    }
}

#[cfg(unix)]
mod private {
    use std::fs::{DirBuilder, Metadata, OpenOptions};
    use std::io::{self, Read};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use zeroize::Zeroizing;

    const OTHERS_MAY_WRITE: u32 = 0o022;
    const OTHERS_MAY: u32 = 0o077;

    /// A folder that nobody else can write to.
    pub(super) fn folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        own(&path.symlink_metadata()?, OTHERS_MAY_WRITE)
    }

    /// A file that nobody else can read.
    pub(super) fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        let follow_no_link = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let mut file = OpenOptions::new().read(true).custom_flags(follow_no_link).open(path)?;
        own(&file.metadata()?, OTHERS_MAY)?;
        let mut bytes = Zeroizing::new(Vec::new());
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn own(metadata: &Metadata, forbidden: u32) -> io::Result<()> {
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            Err(io::Error::other("it belongs to somebody else"))
        } else if metadata.mode() & forbidden != 0 {
            Err(io::Error::other("others have access to it: take it away with chmod go-rwx"))
        } else {
            Ok(())
        }
    }
}

#[cfg(not(unix))]
mod private {
    use std::io;
    use std::path::Path;

    use zeroize::Zeroizing;

    /// A folder below the user's own, which others cannot write to.
    pub(super) fn folder(path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    pub(super) fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        std::fs::read(path).map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        home: tempfile::TempDir,
        engine: Engine,
        component: Component,
    }

    const DIGEST: &str = "d1";

    impl Bench {
        fn new() -> Self {
            let engine = Engine::default();
            let component =
                Component::new(&engine, wat::parse_str("(component)").unwrap()).unwrap();
            Self { home: tempfile::tempdir().unwrap(), engine, component }
        }

        fn cache(&self, name: &str) -> Cache {
            Cache::open(&self.home.path().join(name)).unwrap()
        }

        fn filled(&self, name: &str) -> (Cache, PathBuf) {
            let cache = self.cache(name);
            cache.keep(&self.engine, DIGEST, &self.component);
            let file = cache.folder.join(super::name(&self.engine, DIGEST));
            (cache, file)
        }
    }

    #[test]
    fn what_was_kept_is_loaded_also_by_another_process() {
        let bench = Bench::new();
        let (cache, file) = bench.filled("a");
        assert!(file.exists());
        assert!(cache.load(&bench.engine, DIGEST).is_some());
        assert!(bench.cache("a").load(&bench.engine, DIGEST).is_some());
        assert!(cache.load(&bench.engine, "d2").is_none());
    }

    #[test]
    fn a_damaged_file_is_not_loaded() {
        let bench = Bench::new();
        let (cache, file) = bench.filled("a");
        let good = fs::read(&file).unwrap();
        for at in [0, TAG - 1, TAG, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&file, bad).unwrap();
            assert!(cache.load(&bench.engine, DIGEST).is_none(), "byte {at}");
        }
        for length in [0, 1, TAG, good.len() - 1] {
            fs::write(&file, &good[..length]).unwrap();
            assert!(cache.load(&bench.engine, DIGEST).is_none(), "{length} bytes");
        }
        fs::write(&file, good).unwrap();
        assert!(cache.load(&bench.engine, DIGEST).is_some());
    }

    #[test]
    fn a_foreign_file_is_not_loaded() {
        let bench = Bench::new();
        let (cache, file) = bench.filled("a");
        let (_, foreign) = bench.filled("b");
        fs::copy(foreign, &file).unwrap();
        assert!(cache.load(&bench.engine, DIGEST).is_none(), "written under another key");
        // A file of our own under the name of another component.
        let (cache, file) = bench.filled("c");
        fs::copy(&file, cache.folder.join(name(&bench.engine, "d2"))).unwrap();
        assert!(cache.load(&bench.engine, "d2").is_none());
    }

    #[test]
    fn a_stale_file_is_not_loaded() {
        let bench = Bench::new();
        let (cache, file) = bench.filled("a");
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        let other = Engine::new(&config).unwrap();
        assert!(cache.load(&other, DIGEST).is_none());
        // The name is not all there is: wasmtime looks into the file as well.
        let renamed = name(&other, DIGEST);
        let code = fs::read(&file).unwrap().split_off(TAG);
        let mut forged = cache.mac(&renamed, &code).finalize().into_bytes().to_vec();
        forged.extend(code);
        fs::write(cache.folder.join(renamed), forged).unwrap();
        assert!(cache.load(&other, DIGEST).is_none());
    }

    #[test]
    fn only_the_newest_files_are_kept() {
        let bench = Bench::new();
        let cache = bench.cache("a");
        for n in 0..KEPT + 5 {
            cache.keep(&bench.engine, &format!("d{n}"), &bench.component);
        }
        let files = fs::read_dir(&cache.folder).unwrap().count();
        assert_eq!(files, KEPT + 1, "the key is one of them");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let bench = Bench::new();
        let (cache, _) = bench.filled("a");
        let open = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        open(&cache.folder, 0o777);
        assert!(Cache::open(&cache.folder).is_err());
        open(&cache.folder, 0o700);
        open(&cache.folder.join(KEY), 0o644);
        assert!(Cache::open(&cache.folder).is_err());
        open(&cache.folder.join(KEY), 0o600);
        assert!(Cache::open(&cache.folder).is_ok());
    }
}
