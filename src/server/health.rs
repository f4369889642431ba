//! `/healthz`, `/readyz` and `/metrics`.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode, header};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::App;
use crate::store::{At, settings};

/// The process lives.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Whoever asks whether we are ready waits no longer than this.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// The database answers, and soon.
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    let asked = tokio::time::timeout(TOLD_WITHIN, async { settings::get(&mut app.db.read().await?, settings::DEMO).await });
    match asked.await.unwrap_or(Err(sqlx::Error::PoolTimedOut.into())) {
        Ok(_) if !app.feed.is_loaded() => (StatusCode::SERVICE_UNAVAILABLE, "the customers are being read\n"),
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(cause = %error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}

/// Figures in Prometheus' text form.
pub(super) async fn metrics(State(app): State<App>) -> Response<Body> {
    #[expect(clippy::cast_precision_loss, reason = "a count of customers")]
    metrics::gauge!("countertop_customers").set(app.index.len() as f64);
    let text = recorder().map(PrometheusHandle::render).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; version=0.0.4"));
    response
}

/// One recorder per process, however many servers run in it.
pub(super) fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER.get_or_init(|| PrometheusBuilder::new().install_recorder().ok()).as_ref()
}

/// How often a path was answered in one way, and how long that took.
struct Figure {
    count: metrics::Counter,
    seconds: metrics::Histogram,
}

/// Those of a path, by method and status.
type OfPath = HashMap<(&'static str, u16), Figure>;

/// Looked up with each answer: the recorder would want a new list of labels.
static FIGURES: LazyLock<RwLock<HashMap<String, OfPath>>> = LazyLock::new(RwLock::default);

impl Figure {
    fn of(method: &'static str, path: &str, status: u16) -> Self {
        recorder();
        Self {
            count: metrics::counter!("countertop_requests_total", "method" => method, "path" => path.to_owned(), "status" => status.to_string()),
            seconds: metrics::histogram!("countertop_request_seconds", "method" => method, "path" => path.to_owned()),
        }
    }

    fn note(&self, took: Duration) {
        self.count.increment(1);
        self.seconds.record(took.as_secs_f64());
    }
}

/// Counts an answer. Paths are templates and methods those of the table: what
/// strangers make up leaves nothing behind.
pub(super) fn count(method: &'static str, path: &str, status: u16, took: Duration) {
    let figures = FIGURES.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(figure) = figures.get(path).and_then(|figures| figures.get(&(method, status))) {
        figure.note(took);
        return;
    }
    drop(figures);
    let figure = Figure::of(method, path, status);
    figure.note(took);
    FIGURES.write().unwrap_or_else(PoisonError::into_inner).entry(path.to_owned()).or_default().insert((method, status), figure);
}

/// Tells when the last backup was made that was found to restore.
pub(super) fn note_checked_backup(at: At) {
    #[expect(clippy::cast_precision_loss, reason = "to the second is enough")]
    metrics::gauge!("countertop_backup_checked_timestamp_seconds").set(at.0.as_second() as f64);
}

/// Counts backups that could not be made or did not restore.
pub(super) fn count_failed_backups(more: u64) {
    metrics::counter!("countertop_backup_failures_total").increment(more);
}

/// How often what was measured is summed up.
const SUMMED_UP_EVERY: Duration = Duration::from_secs(5);

/// Sums up what was measured. Without it every answer's time is kept until
/// somebody asks for the figures, and where nobody does, for ever.
pub(super) async fn sum_up() {
    loop {
        tokio::time::sleep(SUMMED_UP_EVERY).await;
        if let Some(recorder) = recorder() {
            recorder.run_upkeep();
        }
    }
}
