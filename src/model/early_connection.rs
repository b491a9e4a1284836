//! Opens the connection for the first request early: DNS, TCP and TLS take longer than the rest of the startup.
//!
//! A dummy request without the key makes the client connect. The connector keeps the connection here and fails the
//! dummy request, so nothing beyond the TLS handshake is sent. The first request then takes the connection.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tower::{BoxError, Layer, Service};

/// The other end may have closed an older connection.
const FRESH: Duration = Duration::from_secs(4);

tokio::task_local! {
    /// Set while the dummy request runs.
    static DUMMY_REQUEST: ();
}

/// The connection that was opened early; locked while it is being made.
#[derive(Clone, Debug, Default)]
pub(super) struct Early(Arc<Mutex<Option<EarlyConnection>>>);

#[derive(Debug)]
struct EarlyConnection {
    since: Instant,
    connection: Box<dyn Any + Send>,
}

impl Early {
    /// Makes a connection through `request`, a request that is never sent and always fails.
    pub(super) async fn connect<T>(request: impl Future<Output = T>) {
        drop(DUMMY_REQUEST.scope((), request).await);
    }
}

impl<S> Layer<S> for Early {
    type Service = Connector<S>;

    fn layer(&self, inner: S) -> Connector<S> {
        Connector { inner, early: self.clone() }
    }
}

/// The client's connector: uses the early connection if there is a fresh one.
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
        let is_request = DUMMY_REQUEST.try_with(|()| ()).is_ok();
        let (kept, connecting) = (Arc::clone(&self.early.0), self.inner.call(to));
        Box::pin(async move {
            let mut kept = kept.lock().await;
            if is_request {
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
