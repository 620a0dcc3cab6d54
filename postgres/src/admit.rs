//! [`Admit`]: a gate before a store, whatever the store's type.

use crate::{
    error::Error,
    store::{Replicated, Store},
};
use rejoin::{DeltaState, Known, sync::Gate};
use std::{future::Future, pin::Pin};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Looks at deltas before they are inserted.
pub(crate) trait Admit: Send + Sync {
    /// Why a delta may not come in, if it may not.
    fn refusal<'a>(
        &'a self,
        key: &'a str,
        payload: &'a [u8],
    ) -> Boxed<'a, Result<Option<String>, Error>>;
}

pub(crate) struct Gated<T, F> {
    pub(crate) store: Store<T>,
    pub(crate) gate: F,
}

impl<T, F> Admit for Gated<T, F>
where
    T: Replicated + DeltaState<Version: Known> + Default,
    F: Fn() -> Gate + Send + Sync,
{
    fn refusal<'a>(
        &'a self,
        key: &'a str,
        payload: &'a [u8],
    ) -> Boxed<'a, Result<Option<String>, Error>> {
        Box::pin(async move {
            let mut state = self.store.read(key, None).await?;
            let refused = (self.gate)().apply_bytes(&mut state, payload).err();
            Ok(refused.map(|refused| refused.to_string()))
        })
    }
}
