//! A connection that is there before the first request: name, connection and TLS take longer than the rest of a beginning.
//!
//! An errand without the key makes the client connect; what comes of it is kept here, the errand is called off, and nothing
//! but the connection's own beginning was sent. The first request takes the connection.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tower::{BoxError, Layer, Service};

/// One that waited longer may have been given up by the other end.
const FRESH: Duration = Duration::from_secs(4);

tokio::task_local! {
    /// There while an errand is on its way.
    static ERRAND: ();
}

/// Where such a connection waits; locked while it is made.
#[derive(Clone, Debug, Default)]
pub(super) struct Early(Arc<Mutex<Option<EarlyConnection>>>);

#[derive(Debug)]
struct EarlyConnection {
    since: Instant,
    connection: Box<dyn Any + Send>,
}

impl Early {
    /// Has `errand`, a request that is never sent, make a connection. It fails: with the connection that can't be had, or for
    /// want of the one that was kept.
    pub(super) async fn connect<T>(errand: impl Future<Output = T>) {
        drop(ERRAND.scope((), errand).await);
    }
}

impl<S> Layer<S> for Early {
    type Service = Connector<S>;

    fn layer(&self, inner: S) -> Connector<S> {
        Connector { inner, early: self.clone() }
    }
}

/// What connects for a client.
#[derive(Clone, Debug)]
pub(super) struct Connector<S> {
    inner: S,
    early: Early,
}

impl<S, To> Service<To> for Connector<S>
where
    S: Service<To, Error = BoxError> + Clone + Send + 'static,
    S::Response: Send + 'static,
    S::Future: Send + 'static,
    To: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, to: To) -> Self::Future {
        let is_errand = ERRAND.try_with(|()| ()).is_ok();
        let (kept, connecting) = (Arc::clone(&self.early.0), self.inner.call(to));
        Box::pin(async move {
            let mut kept = kept.lock().await;
            if is_errand {
                let connection = Box::new(connecting.await?);
                *kept = Some(EarlyConnection { since: Instant::now(), connection });
                return Err("it is kept for the first request".into());
            }
            let taken = kept.take().filter(|kept| kept.since.elapsed() < FRESH);
            drop(kept);
            match taken.and_then(|taken| taken.connection.downcast().ok()) {
                Some(connection) => Ok(*connection),
                None => connecting.await,
            }
        })
    }
}
