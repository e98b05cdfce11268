//! A private store of model files by what they contain, for runtimes that want files and for packages that
//! are opened again and again.
//!
//! What is kept together is kept as one folder, named by the digest of the names, sizes and digests of all
//! its files: a model and the files with its weights lie side by side under the names that they know each
//! other by, and no file is linked from two places, which the check of external data would refuse. So a file
//! that is part of two sets is there twice; sets that share large files are rare on one machine, since it
//! runs one variant of a model.
//!
//! A folder is filled under another name, under a lock, and takes its place when it is complete and right:
//! nobody sees half of it. Processes that want the same set wait for one another, and the second finds it
//! done. Whoever is killed leaves a folder whose lock is free, and that the next one to open the cache
//! removes. No clock is asked.
//!
//! What is found in the cache is hashed the first time that an open cache is asked for it. After that, it is
//! believed as long as the sizes, times and identities of its files stay as they were. What is not right is
//! replaced.

mod error;
mod folder;
mod key;
mod lock;
pub(crate) mod private;
mod store;

pub use error::CacheError;
pub use folder::Contents;
pub use key::CachedFile;
pub use store::Cache;

#[cfg(test)]
mod tests;
