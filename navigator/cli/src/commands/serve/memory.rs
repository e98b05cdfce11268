//! Which memory clients share with the server, as it is typed.

use clap::Args;
use nav_serve::SharedMemoryOptions;

/// The arguments about memory of clients.
#[derive(Args, Debug)]
pub(crate) struct MemoryArgs {
    /// Let clients on this machine hand over tensors in shared memory. They must be let manage the server too.
    #[arg(long)]
    allow_client_shm: bool,
    /// Open only shared memory whose key begins like this. Without any, every key is opened that is a plain name.
    #[arg(
        long,
        value_name = "PREFIX,...",
        value_delimiter = ',',
        requires = "allow_client_shm"
    )]
    shm_prefix: Vec<String>,
    /// Open shared memory of these users too, by their numbers, beside that of the server's own user.
    #[arg(
        long,
        value_name = "UID,...",
        value_delimiter = ',',
        requires = "allow_client_shm"
    )]
    shm_owner: Vec<u32>,
}

impl MemoryArgs {
    /// What they come to.
    pub(crate) fn options(&self) -> Option<SharedMemoryOptions> {
        // Keys are typed with the slash of `shm_open` or without it.
        let bare = |prefix: &String| prefix.strip_prefix('/').unwrap_or(prefix).to_owned();
        self.allow_client_shm.then(|| SharedMemoryOptions {
            prefixes: self.shm_prefix.iter().map(bare).collect(),
            owners: self.shm_owner.clone(),
            ..SharedMemoryOptions::default()
        })
    }
}
