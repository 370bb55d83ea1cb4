//! Who builds a connection now. It takes milliseconds of a processor, and whoever calls for help or looks at the own picture
//! is a stranger: those build on half of the cores, one after the other, and who was called waits for none of them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places at which strangers' connections are built.
pub(super) struct Builders(Arc<Semaphore>);

impl Builders {
    /// Places on a machine with so many cores.
    pub(super) fn new(cores: usize) -> Self {
        Self(Arc::new(Semaphore::new((cores / 2).max(1))))
    }

    /// Waits for a place, which is free again when what is returned is dropped. Who was called, and staff, need none.
    pub(super) async fn place(&self, is_kept: bool) -> Option<OwnedSemaphorePermit> {
        if is_kept {
            return None;
        }
        Some(Arc::clone(&self.0).acquire_owned().await.expect("nobody closes it"))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn strangers_build_on_half_of_the_cores_and_who_was_called_waits_for_none_of_them() {
        for (cores, places) in [(1, 1), (2, 1), (8, 4)] {
            let builders = Builders::new(cores);
            let mut building: Vec<_> =
                (0..places).map(|_| builders.place(false).now_or_never().expect("there is a place")).collect();
            assert!(builders.place(false).now_or_never().is_none(), "{cores} cores");
            assert!(builders.place(true).now_or_never().is_some(), "{cores} cores");
            building.pop();
            assert!(builders.place(false).now_or_never().is_some(), "{cores} cores");
        }
    }
}
