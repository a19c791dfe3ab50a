//! Threads for parallel work, as many as the caller allows.

use crate::error::{Error, Result};
use crate::event::Monitor;

impl Monitor {
    /// A pool of [`Monitor::threads`] threads for rayon's parallel iterators. Rayon's global pool would never end.
    pub(crate) fn pool(&self) -> Result<rayon::ThreadPool> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads.max(1)).build();
        pool.map_err(|e| Error::unsupported("starting threads").caused_by(e))
    }
}
